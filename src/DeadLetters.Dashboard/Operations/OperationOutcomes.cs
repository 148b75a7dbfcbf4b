using WorkinIt.DeadLetters.Catalogue;
using WorkinIt.DeadLetters.Catalogue.Replays;

namespace WorkinIt.DeadLetters.Dashboard.Operations;

/// <summary>The outcomes of a replay, as they are known now: from the catalogue, or from the memory of the instance that ran it.</summary>
/// <param name="Counts">The outcomes of all messages.</param>
/// <param name="Total">How many messages there are.</param>
/// <param name="Listed">Some of them; those that failed again or were skipped come first.</param>
internal sealed record OperationOutcomes(OutcomeCounts Counts, long Total, IReadOnlyList<Replayed> Listed)
{
    // The catalogue gets the end of a replay through a queue, so it may know less at first.
    private static readonly TimeSpan _catalogueFollows = TimeSpan.FromMinutes(1);

    /// <summary>Why the outcomes may be incomplete, and what to do about it; null if nothing is wrong.</summary>
    public string? Problem { get; init; }

    /// <summary>Whether an outcome may change while the page is open.</summary>
    public bool IsOpen => Counts.Unknown + Counts.Delayed > 0;

    /// <summary>Of an operation of this instance; null if it is no replay that has ended.</summary>
    public static async Task<OperationOutcomes?> OfAsync(PageContext page, RunningOperation operation)
    {
        if (operation is not { IsRunning: false, IsDryRun: false, Request.Verb: Verb.Replay, Result: { } result })
            return null;
        var messages = result.Later?.Replayed ?? result.Replayed;
        var known = new OperationOutcomes(OutcomeCounts.Count(messages), messages.Count, [.. messages.OrderByDescending(message => message.Outcome is Outcome.FailedAgain or Outcome.Skipped).Take(OperationModel.MostListed)])
        {
            Problem = result.ReportsProblem ?? page.Catalogue?.ReportsProblemOf(page.Source),
        };
        return await InCatalogueAsync(page, operation.Id) is { } kept && kept.Total == known.Total
            && (kept.Counts.Unknown <= known.Counts.Unknown || page.Time.GetUtcNow() - operation.EndedAt > _catalogueFollows)
            ? kept.WithNewLettersOf(messages) with { Problem = known.Problem }
            : known;
    }

    /// <summary>Adds the new dead letters that the catalogue has not been told of yet: it may have an application's report of a failure before.</summary>
    /// <param name="messages">The messages of the replay, as the instance that ran it knows them.</param>
    public OperationOutcomes WithNewLettersOf(IEnumerable<Replayed> messages)
    {
        if (!Listed.Any(LacksLetter))
            return this;
        var letters = messages.Where(message => message.NewLetter is not null).ToDictionary(message => message.ReplayId, message => message.NewLetter);
        return this with { Listed = [.. Listed.Select(message => LacksLetter(message) ? message with { NewLetter = letters.GetValueOrDefault(message.ReplayId) } : message)] };

        static bool LacksLetter(Replayed message) => message is { NewLetter: null, Outcome: Outcome.FailedAgain or Outcome.Skipped };
    }

    /// <summary>Of an operation of any instance, from the catalogue; null if it has none, or can't be read.</summary>
    public static async Task<OperationOutcomes?> InCatalogueAsync(PageContext page, string operation)
    {
        if (page.Catalogue is not { } catalogue)
            return null;
        try
        {
            return await catalogue.ReadAsync((reader, token) => reader.ReplaysOfOperationAsync(operation, OperationModel.MostListed, token), page.Aborted) is { } kept
                ? new OperationOutcomes(kept.Counts, kept.Total, [.. kept.Listed.Select(replay => replay.Message)]) { Problem = catalogue.ReportsProblemOf(page.Source) }
                : null;
        }
        catch (CatalogueException e)
        {
            page.CatalogueProblem = e.Message;
            return null;
        }
    }
}
