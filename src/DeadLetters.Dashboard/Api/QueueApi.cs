using Microsoft.AspNetCore.Http;
using WorkinIt.DeadLetters.Catalogue;
using WorkinIt.DeadLetters.Catalogue.Store;
using WorkinIt.DeadLetters.Catalogue.Tokens;
using WorkinIt.DeadLetters.Dashboard.BoardPages;

namespace WorkinIt.DeadLetters.Dashboard.Api;

/// <summary>The dead-letter queues.</summary>
internal static class QueueApi
{
    public static IEnumerable<ApiRoute> Routes { get; } =
    [
        ApiRoute.Get("/queues", TokenScope.View, "listQueues", "Lists the dead-letter queues, non-empty ones first.", ListAsync) with
        {
            Parameters = [ApiField.Source with { Description = "Only the queues of this source. Default: all sources." }],
            Answer = new ApiQueues([new ApiQueue("shop", "orders_error", "orders", 840, IsDiscarded: false, AccessWarning: null, InCatalogue: 840, State: "complete")], []),
        },
    ];

    private static async Task<IResult> ListAsync(ApiCall call)
    {
        var page = call.Page;
        if (call.Query("source") is { } source)
            call.ActOn(source, "");
        var answers = await SourceAnswers.AskAsync(page, one => one.Client.FindQueuesAsync(page.Aborted));
        var known = await KnownAsync(page);
        return ApiAnswer.Ok(new ApiQueues(
            [.. answers.SelectMany(answer => (answer.Answer ?? []).Select(queue => Of(answer.Source.Name, queue, known.GetValueOrDefault((answer.Source.Name, queue.Name)))))],
            [.. answers.Where(answer => answer.Problem is not null).Select(answer => new ApiSourceProblem(answer.Source.Name, answer.Problem!))]));
    }

    private static ApiQueue Of(string source, DeadLetterQueue queue, CatalogueQueue? known) => new(
        source, queue.Name, queue.InputQueue, queue.Messages, queue.IsDiscarded, queue.AccessWarning, known?.Letters, known is null ? null : QueueState.Of(known).Words)
    {
        Hidden = queue.Hidden,
        HidesReadMessages = queue.HidesReadMessages,
    };

    // Without the catalogue, the brokers still answer.
    private static async Task<IReadOnlyDictionary<(string, string), CatalogueQueue>> KnownAsync(PageContext page)
    {
        if (page.Catalogue is not { } catalogue)
            return new Dictionary<(string, string), CatalogueQueue>();
        try
        {
            return (await catalogue.ReadAsync((reader, token) => reader.SharedQueuesAsync(token), page.Aborted)).Queues.ToDictionary(queue => (queue.Source, queue.Name));
        }
        catch (CatalogueException)
        {
            return new Dictionary<(string, string), CatalogueQueue>();
        }
    }
}

/// <summary>The dead-letter queues.</summary>
/// <param name="Queues">The queues.</param>
/// <param name="Problems">The sources that did not answer.</param>
internal sealed record ApiQueues(IReadOnlyList<ApiQueue> Queues, IReadOnlyList<ApiSourceProblem> Problems);

/// <summary>A source that did not answer, and why.</summary>
internal sealed record ApiSourceProblem(string Source, string Problem);

/// <summary>A dead-letter queue.</summary>
/// <param name="Source">Its source.</param>
/// <param name="Name">Its name.</param>
/// <param name="InputQueue">The queue whose dead letters it holds.</param>
/// <param name="Messages">How many messages the broker says are in it.</param>
/// <param name="IsDiscarded">Whether it holds discarded messages.</param>
/// <param name="AccessWarning">What to consider before reading it; null if nothing.</param>
/// <param name="InCatalogue">How many of its letters the catalogue has; null without a catalogue.</param>
/// <param name="State">What the catalogue says about the queue; null without a catalogue.</param>
internal sealed record ApiQueue(string Source, string Name, string InputQueue, long Messages, bool IsDiscarded, string? AccessWarning, long? InCatalogue, string? State)
{
    /// <summary>How many of its messages RabbitMQ's delayed retry hides now; they come back automatically.</summary>
    public long Hidden { get; init; }

    /// <summary>Whether reading a message hides it for a while (delayed retry).</summary>
    public bool HidesReadMessages { get; init; }
}
