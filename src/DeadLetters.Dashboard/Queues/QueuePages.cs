using System.Globalization;
using Microsoft.AspNetCore.Http;
using WorkinIt.DeadLetters.Catalogue.Operations;
using WorkinIt.DeadLetters.Dashboard.Operations;

namespace WorkinIt.DeadLetters.Dashboard.Queues;

/// <summary>The list of queues, the causes in a queue, and its dead letters.</summary>
internal static class QueuePages
{
    public static async Task<IResult> QueuesAsync(PageContext page) =>
        page.Page<QueueList, QueuesModel>("Queues", new QueuesModel(await SourceAnswers.AskAsync(page, source => source.Client.FindQueuesAsync(page.Aborted)), page.Runner.Running, OtherInstances.Running(page)));

    public static async Task<IResult> CausesAsync(PageContext page)
    {
        var queue = await FindAsync(page);
        if (NeedsWarning(page, queue))
            return Warn(page, queue);
        var all = page.IsTicked("all");
        var causes = await page.Broker.GroupAsync(
            queue.Name, DeadLetterFilter.All, page.By, null, page.Aborted, all ? long.MaxValue : page.Options.LookAtFirst);
        return page.Page<Causes, CausesModel>(queue.Name, new CausesModel(queue, causes));
    }

    public static async Task<IResult> LettersAsync(PageContext page)
    {
        var queue = await FindAsync(page);
        var filter = FilterForm.Read(page);
        if (NeedsWarning(page, queue))
            return Warn(page, queue);
        var number = int.TryParse(page.Value("page"), CultureInfo.InvariantCulture, out var asked) && asked > 0 ? asked : 1;
        var all = page.IsTicked("all");
        var skip = (number - 1L) * page.Options.PageLength;
        // Without a filter, only the messages up to the end of the page are read, so no limit is needed.
        var most = all || filter.IsEmpty ? long.MaxValue : page.Options.LookAtFirst;
        var letters = await page.Broker.ListAsync(queue.Name, filter, skip, page.Options.PageLength, page.By, page.Aborted, most);
        return page.Page<MessageList, LettersModel>($"Dead letters in {queue.Name}", new LettersModel(queue, filter, letters, number, all, page.Options.PageLength));
    }

    /// <summary>Reads the filter form and redirects to an address that contains no readable search text.</summary>
    public static Task<IResult> FilterAsync(PageContext page) =>
        Task.FromResult(PageContext.SeeOther(page.Links.Letters(page.Queue, FilterForm.Query(page, FilterForm.Read(page)))));

    /// <summary>Finds the queue named in the address. Only dead-letter queues can be viewed here.</summary>
    public static Task<DeadLetterQueue> FindAsync(PageContext page) => FindAsync(page, page.Queue);

    /// <inheritdoc cref="FindAsync(PageContext)"/>
    public static async Task<DeadLetterQueue> FindAsync(PageContext page, string name) =>
        page.Here.Options.Names.Contains(name) && await page.Broker.FindQueueAsync(name, page.Aborted) is { } queue
            ? queue
            : throw new DeadLetterException(DeadLetterProblem.NoSuchQueue, $"Dead-letter queue “{name}” not found");

    /// <summary>Whether viewing the queue has a cost that the user has not confirmed.</summary>
    public static bool NeedsWarning(PageContext page, DeadLetterQueue queue) => queue is { AccessWarning: not null, Messages: > 0 } && !page.IsConfirmed;

    public static IResult Warn(PageContext page, DeadLetterQueue queue) => page.Page<AccessWarning, DeadLetterQueue>(queue.Name, queue);
}

/// <param name="Answers">The queues of each source, or why they can't be listed.</param>
/// <param name="Running">The operations in progress, in all sources.</param>
/// <param name="Elsewhere">The operations of other instances.</param>
internal sealed record QueuesModel(IReadOnlyList<SourceAnswer<IReadOnlyList<DeadLetterQueue>>> Answers, IReadOnlyList<RunningOperation> Running, IReadOnlyList<SharedOperation> Elsewhere)
{
    public IReadOnlyList<DeadLetterQueue> Queues { get; } = [.. Answers.SelectMany(answer => answer.Answer ?? [])];
}

internal sealed record CausesModel(DeadLetterQueue Queue, CausePage Causes)
{
    public bool IsPart => Causes.Examined < Causes.Ready;
}

internal sealed record LettersModel(DeadLetterQueue Queue, DeadLetterFilter Filter, DeadLetterPage Page, int Number, bool All, int PageLength)
{
    public bool IsPart => !Filter.IsEmpty && Page.Examined < Page.Ready;

    public long First => ((Number - 1L) * PageLength) + 1;

    public long Last => First + Page.Letters.Count - 1;

    public bool HasNext => Last < Page.Matching;
}
