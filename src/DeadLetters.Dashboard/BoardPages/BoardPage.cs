using Microsoft.AspNetCore.Http;
using WorkinIt.DeadLetters.Catalogue;
using WorkinIt.DeadLetters.Catalogue.Operations;
using WorkinIt.DeadLetters.Catalogue.Store;
using WorkinIt.DeadLetters.Catalogue.Triage;
using WorkinIt.DeadLetters.Dashboard.Causes;
using WorkinIt.DeadLetters.Dashboard.Operations;
using WorkinIt.DeadLetters.Dashboard.Queues;

namespace WorkinIt.DeadLetters.Dashboard.BoardPages;

/// <summary>The first page: what broke, since when, and how fast it grows. Without a catalogue, the list of queues.</summary>
internal static class BoardPage
{
    public static async Task<IResult> ShowAsync(PageContext page)
    {
        if (page.Catalogue is not { } catalogue)
            return await QueuePages.QueuesAsync(page);
        if (QueryForm.IsReadable(page))
            return PageContext.SeeOther(page.Links.Start + QueryForm.Query(page, QueryForm.Read(page)));
        return await CataloguePages.TryAsync(page, () => ShowAsync(page, catalogue, QueryForm.Read(page), null))
            ?? await QueuePages.QueuesAsync(page);
    }

    /// <summary>Reads a search form and redirects to an address that contains no readable search text.</summary>
    public static async Task<IResult> SearchAsync(PageContext page)
    {
        if (page.Catalogue is not { } catalogue)
            return PageContext.SeeOther(page.Links.Start);
        try
        {
            var address = page.Value("to") == "letters" ? page.Links.AllLetters : page.Links.Start;
            return PageContext.SeeOther(address + QueryForm.Query(page, QueryForm.Read(page)));
        }
        catch (FormatException e)
        {
            var error = new QueryError(page.Value(QueryForm.Box) ?? "", e.Message);
            return await CataloguePages.TryAsync(page, () => ShowAsync(page, catalogue, CatalogueQuery.All, error))
                ?? await QueuePages.QueuesAsync(page);
        }
    }

    private static async Task<IResult> ShowAsync(PageContext page, CatalogueDatabase catalogue, CatalogueQuery query, QueryError? error)
    {
        var model = await catalogue.ReadAsync(
            async (reader, token) =>
            {
                var board = await reader.BoardAsync(query, token, mayBeOlder: true);
                return new BoardModel
                {
                    Version = board.Version,
                    Query = query,
                    Error = error,
                    Board = board,
                    Triage = await page.Service<TriageStore>().GetAsync([.. board.Causes.Select(cause => cause.Cause.Id)], token),
                    Running = page.Runner.Running,
                    Elsewhere = OtherInstances.Running(page),
                    Interrupted = OtherInstances.Interrupted(page),
                    Now = page.Time.GetUtcNow(),
                    Sort = page.Value("sort"),
                    Delays = catalogue.Delays,
                };
            },
            page.Aborted);
        return page.Page<BoardView, BoardModel>("Board", model, error is null ? StatusCodes.Status200OK : StatusCodes.Status400BadRequest, wide: true);
    }
}

/// <summary>A search text that can't be read.</summary>
/// <param name="Text">What was typed.</param>
/// <param name="Why">What is wrong with it.</param>
internal sealed record QueryError(string Text, string Why);

/// <summary>The board, and what its page says about it.</summary>
internal sealed record BoardModel
{
    public required long Version { get; init; }

    /// <summary>The sources for which the catalogue may not be up to date.</summary>
    public required IReadOnlyList<SourceDelay> Delays { get; init; }

    /// <summary>Changes when the page must be fetched again.</summary>
    public string Stamp => BoardEvents.Stamp(Version, Delays);

    public required CatalogueQuery Query { get; init; }

    public required QueryError? Error { get; init; }

    public required Board Board { get; init; }

    public IReadOnlyList<CatalogueQueue> Queues => Board.AllQueues;

    /// <summary>What operators noted about the causes.</summary>
    public required IReadOnlyDictionary<string, CauseTriage> Triage { get; init; }

    public required IReadOnlyList<RunningOperation> Running { get; init; }

    /// <summary>The operations of other instances.</summary>
    public required IReadOnlyList<SharedOperation> Elsewhere { get; init; }

    /// <summary>The operations whose process was killed, and that nobody has repeated.</summary>
    public required IReadOnlyList<SharedOperation> Interrupted { get; init; }

    public required DateTimeOffset Now { get; init; }

    /// <summary>The order of the causes: <c>first</c>, <c>last</c>, or by count.</summary>
    public string? Sort { get; init; }

    public IReadOnlyList<BoardCause> Causes => Sort switch
    {
        "first" => [.. Board.Causes.OrderBy(cause => cause.First)],
        "last" => [.. Board.Causes.OrderByDescending(cause => cause.Last)],
        _ => Board.Causes,
    };

    /// <summary>The cause that began first within the histogram's time; null if all began before it.</summary>
    public BoardCause? BrokeFirst => Board.Causes.Where(cause => cause.First >= Board.From).MinBy(cause => cause.First);

    /// <summary>The cause with the most failures in the last two steps of the histogram; null if there were none.</summary>
    public BoardCause? GrowsFastest => Board.Causes.Where(cause => Recent(cause) > 0).MaxBy(Recent);

    /// <summary>How many causes began within the histogram's time.</summary>
    public int Began => Board.Causes.Count(cause => cause.First >= Board.From);

    /// <summary>The most important mark of a cause; null if it has none. The version that it was first seen with is on its page.</summary>
    public (string Text, string Kind)? Mark(BoardCause cause)
    {
        var triage = Triage[cause.Cause.Id];
        return MarkTexts.Of(CauseMarks.Of(triage, cause, Now), triage).Where(mark => mark.Kind != "quiet").Select(mark => ((string, string)?)mark).FirstOrDefault();
    }

    public long MostInACause => Board.Causes.Select(cause => cause.Count).DefaultIfEmpty().Max();

    /// <summary>The failures of a cause in the last two steps of the histogram. The last step alone may have begun a second ago.</summary>
    public static long Recent(BoardCause cause) => cause.Sparkline.TakeLast(2).Sum();

    public IEnumerable<RunningOperation> Replays => Running.Where(operation => operation is { IsDryRun: false, Request.Verb: Verb.Replay });

    /// <summary>Whether a queue is empty and nothing must be said about it.</summary>
    public static bool IsQuiet(CatalogueQueue queue) => queue.Letters == 0 && QueueState.Of(queue).Kind == QueueState.Good;

    public IEnumerable<CatalogueQueue> Incomplete => Queues.Where(queue => !queue.IsComplete);
}
