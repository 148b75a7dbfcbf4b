using System.Diagnostics;

namespace WorkinIt.DeadLetters;

/// <summary>Waits for the outcomes that a replay in order needs before it can move more.</summary>
/// <param name="keys">Which messages may be moved.</param>
/// <param name="request">The replay.</param>
/// <param name="session">The queue.</param>
/// <param name="tracker">Follows the outcomes.</param>
/// <param name="isAdvised">Whether the application has an advisor, which may know outcomes that nothing reports.</param>
internal sealed class OrderedMoves(KeyOrder keys, ReplayRequest request, QueueSession session, OutcomeTracker tracker, bool isAdvised)
{
    private const int MostWaits = 6; // as a step: messages are held while it waits
    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan _lookEvery = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan _silence = TimeSpan.FromSeconds(10); // an application that reports says at once that it has a message

    private readonly Stopwatch _pass = new();
    private bool _hasMoved;

    public KeyOrder Keys => keys;

    /// <summary>Why the replay ended before its last message; null if it did not.</summary>
    public string? Stopped { get; private set; }

    /// <summary>Whether it has waited for outcomes until there was no more news.</summary>
    public bool HasGivenUp { get; private set; }

    /// <summary>The order as text for the audit log, as in <c>in order by message.orderId, held back: 1 of 100 keys</c>.</summary>
    public string Text => keys.Result is { HeldBack.Count: > 0 } order ? $"in order by {order.By}, {order.HeldSummary}" : $"in order by {keys.Field}, no key held back";

    /// <summary>Begins a pass through the queue.</summary>
    public void BeginPass()
    {
        keys.BeginPass();
        _pass.Restart();
    }

    /// <summary>The messages of a window that may be moved now. Before the first report, this is one.</summary>
    public IReadOnlyList<Taken> Next(IReadOnlyList<Taken> window) => [.. window.Where(taken => keys.MayMove(taken.Letter)).Take(keys.IsProven ? int.MaxValue : 1)];

    /// <summary>What was done with a message.</summary>
    /// <param name="letter">The message.</param>
    /// <param name="decision">The decision.</param>
    /// <param name="isPublished">Whether it was published.</param>
    /// <param name="wasDecided">Whether it was published in an earlier pass, and is still here.</param>
    public void Applied(DeadLetter letter, Decision decision, bool isPublished, bool wasDecided)
    {
        _hasMoved |= isPublished;
        if (isPublished)
            keys.Published(letter);
        else if (wasDecided)
            keys.NotConfirmed(letter);
        else if (decision is Decision.Remove)
            keys.Removed(letter);
        else if (decision is not Decision.Move)
            keys.Refused(letter.Id);
    }

    /// <summary>Waits a moment, while messages are held, for the outcomes that more messages of the window wait for.</summary>
    /// <param name="window">The window.</param>
    /// <param name="confirm">Waits until all published messages are confirmed.</param>
    /// <param name="turns">The pace, which does not count the wait.</param>
    /// <param name="cancellationToken">Cancels the operation.</param>
    /// <returns>Whether more of the window may be moved now.</returns>
    public async Task<bool> WaitInWindowAsync(IReadOnlyList<Taken> window, Func<Task> confirm, Turns turns, CancellationToken cancellationToken)
    {
        var rest = window.Where(taken => keys.MayMoveLater(taken.Letter)).ToList();
        if (rest.Count == 0)
            return false;
        await confirm();
        keys.Confirmed();
        var (waited, sinceNews) = (Stopwatch.StartNew(), Stopwatch.StartNew());
        while (true)
        {
            await tracker.RefreshAsync(cancellationToken);
            if (Learn())
                sinceNews.Restart();
            if (rest.Exists(taken => keys.MayMove(taken.Letter)))
            {
                turns.Skip(waited.Elapsed);
                return true;
            }
            if (sinceNews.Elapsed > _patience || _pass.Elapsed > session.LongestPass / MostWaits || !rest.Exists(taken => keys.MayMoveLater(taken.Letter)))
                return false;
            await Task.Delay(_lookEvery, cancellationToken);
        }
    }

    /// <summary>After a pass, while no message is held: waits until more can be moved.</summary>
    /// <param name="atTheEnd">Whether the pass has read all of the queue.</param>
    /// <param name="mover">Reports the progress.</param>
    /// <param name="cancellationToken">Cancels the operation.</param>
    /// <returns>False if nothing more can be moved.</returns>
    public async Task<bool> ContinueAsync(bool atTheEnd, Mover mover, CancellationToken cancellationToken)
    {
        keys.Confirmed();
        if (atTheEnd)
            keys.EndPass();
        var (sinceNews, counts) = (Stopwatch.StartNew(), OutcomeCounts.None);
        while (true)
        {
            await tracker.RefreshAsync(cancellationToken);
            if (Learn() || tracker.Counts != counts)
                (counts, _) = (tracker.Counts, Restarted(sinceNews));
            mover.Report(waiting: false);
            if (keys.Movable > 0 && (keys.AllKnown || sinceNews.Elapsed > _patience))
                return true;
            if (!keys.IsWaiting)
                return keys.Movable > 0;
            if (mover.Steps is { } steps && await steps.MustPauseAsync(cancellationToken))
                return true;
            if (sinceNews.Elapsed > Longest && !GiveUp())
                return false;
            await Task.Delay(sinceNews.Elapsed.TotalSeconds switch { < 2 => 50, < 10 => 200, _ => 500 }, cancellationToken);
        }
    }

    /// <summary>No more messages are moved: counts those that are held back.</summary>
    public void End(MoveTally tally)
    {
        keys.Confirmed();
        Learn();
        foreach (var (id, messageId, why) in keys.Held)
            tally.HoldBack(id, messageId, why);
    }

    // How long nothing may be heard.
    private TimeSpan Longest => !keys.IsProven && !isAdvised && tracker.Counts is { Waiting: 0 } && request.Wait > _silence ? _silence : request.Wait;

    private static bool Restarted(Stopwatch watch)
    {
        watch.Restart();
        return true;
    }

    private bool Learn() => keys.Learn(tracker.Messages.At(keys.Open));

    // Returns false if the replay ends here.
    private bool GiveUp()
    {
        HasGivenUp = true;
        keys.GiveUp(tracker.Messages.At(keys.Open));
        if (keys.IsProven || !_hasMoved)
            return true;
        Stopped = $"Nothing was reported about the first message, so the order by {keys.Field} can't be kept, and the others were not moved. Report outcomes with the package WorkinIt.DeadLetters.MassTransit (UseReplayReports), or replay without an order";
        return false;
    }
}
