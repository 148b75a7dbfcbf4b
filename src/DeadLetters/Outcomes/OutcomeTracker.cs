using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;

namespace WorkinIt.DeadLetters;

/// <summary>
/// Follows the outcomes of replayed messages, while the replay runs and after it, cancelled or not. It knows only what was observed: the application's
/// reports, a failure that was seen, the advisor's answer, and, in an application that does not report, an empty queue.
/// </summary>
/// <param name="advisor">The application's advisor; null if there is none.</param>
/// <param name="session">The replay's session.</param>
/// <param name="reports">The application's reports about this replay.</param>
/// <param name="targets">The queues that messages were replayed to.</param>
/// <param name="stamps">Reads from a dead-letter queue the messages of this replay.</param>
internal sealed class OutcomeTracker(
    IReplayAdvisor? advisor, QueueSession session, ReplayReports reports, Func<IReadOnlyCollection<string>> targets,
    Func<string, CancellationToken, Task<IReadOnlyList<DeadLetter>>> stamps) : IAsyncDisposable
{
    private static readonly TimeSpan _ask = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan _soon = TimeSpan.FromMilliseconds(300); // without a backlog, all reports are read by then

    private readonly Stopwatch _clock = Stopwatch.StartNew();
    private readonly CancellationTokenSource _ended = new();
    private readonly SemaphoreSlim _one = new(1, 1);
    private Task _following = Task.CompletedTask;
    private (HashSet<string> Messages, Task<bool> AllRead)? _left; // seen leaving their queue, while earlier reports are read

    /// <summary>The messages, with all that was observed of them.</summary>
    public FollowedMessages Messages { get; } = new(reports, session.Failures.Find);

    /// <summary>Why the application's reports can't be received; null if they can.</summary>
    public string? ReportsProblem => reports.Problem;

    /// <summary>The replayed messages, each with its outcome so far.</summary>
    public IReadOnlyList<Replayed> Replayed => Messages.Replayed;

    public OutcomeCounts Counts => Messages.Counts;

    /// <summary>How many messages were replayed.</summary>
    public int Moved => Messages.Count;

    /// <summary>The replayed messages without the first ones.</summary>
    public IReadOnlyList<Replayed> Since(int first) => Messages.Since(first);

    public void Add(Replayed replayed) => Messages.Add(replayed);

    /// <summary>Starts to follow outcomes while messages are moved.</summary>
    public void Follow() => _following = FollowAsync();

    /// <summary>Waits until all outcomes are known.</summary>
    /// <param name="mover">Reports the progress.</param>
    /// <param name="wait">The maximum wait.</param>
    /// <param name="cancellationToken">Cancels the operation.</param>
    public async Task SettleAsync(Mover mover, TimeSpan wait, CancellationToken cancellationToken)
    {
        for (var waited = Stopwatch.StartNew(); ;)
        {
            await RefreshAsync(cancellationToken);
            var open = Messages.CountOpen(_clock.Elapsed);
            mover.Report(waiting: true, always: true);
            if (open == 0 || waited.Elapsed > wait)
                return;
            await Task.Delay(_ask, cancellationToken);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _ended.CancelAsync();
        await _following;
        Messages.Refresh(_clock.Elapsed); // without a wait for outcomes, what is known already
        _ended.Dispose();
        _one.Dispose();
    }

    [SuppressMessage("Design", "CA1031", Justification = "A query that fails here is repeated while the replay waits for outcomes, and its failure is reported then")]
    private async Task FollowAsync()
    {
        while (!_ended.IsCancellationRequested)
        {
            await Task.Delay(_ask, _ended.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            try
            {
                await RefreshAsync(_ended.Token);
            }
            catch (Exception)
            {
                // Retried after the next delay, unless the tracker has ended.
            }
        }
    }

    /// <summary>Looks for outcomes now.</summary>
    public async Task RefreshAsync(CancellationToken cancellationToken)
    {
        await _one.WaitAsync(cancellationToken);
        try
        {
            foreach (var late in await session.Failures.WatchLateAsync(cancellationToken))
                await ReadLateAsync(late, cancellationToken);
            Messages.Refresh(_clock.Elapsed);
            await QueryAdvisorAsync(cancellationToken);
            await QueryQueuesAsync(cancellationToken);
        }
        finally
        {
            _one.Release();
        }
    }

    // An exchange that was created after the replay began: dead letters that arrived before it was watched are in its queue.
    private async Task ReadLateAsync(string late, CancellationToken cancellationToken)
    {
        try
        {
            foreach (var letter in await stamps(late, cancellationToken))
                session.Failures.See(letter, late);
        }
        catch (DeadLetterException)
        {
            // The queue can't be read: these messages have an unknown outcome, unless the application reports them.
        }
    }

    private async Task QueryAdvisorAsync(CancellationToken cancellationToken)
    {
        if (advisor is null)
            return;
        foreach (var some in Messages.ToAsk().Chunk(500))
        {
            var answers = await advisor.OutcomesAsync(some, cancellationToken);
            Messages.Answered(some.Zip(answers).ToDictionary(pair => pair.First.ReplayId, pair => pair.Second), _clock.Elapsed);
        }
    }

    // The broker confirmed these messages before this query: if the queue is empty, they have left it. The broker does not report who holds them. Whether the
    // application reports is known once the reports that had arrived by then are read: others may have arrived before them.
    private async Task QueryQueuesAsync(CancellationToken cancellationToken)
    {
        if (!reports.IsComplete || Messages.Waiting() is not { Count: > 0 } waiting)
            return;
        if (_left is null)
        {
            if (!await AreEmptyAsync(cancellationToken))
                return;
            _left = (waiting, reports.CatchUp(_ended.Token));
        }
        var (left, allRead) = _left.Value;
        if (await Task.WhenAny(allRead, Task.Delay(_soon, cancellationToken)) != allRead)
            return;
        _left = null;
        if (await allRead && reports.IsComplete)
            Messages.LeftQueue(left, _clock.Elapsed);
    }

    private async Task<bool> AreEmptyAsync(CancellationToken cancellationToken)
    {
        try
        {
            foreach (var target in targets())
            {
                if (await session.Broker.TryReadyAsync(target, cancellationToken) != 0)
                    return false;
            }
            return true;
        }
        catch (DeadLetterException e) when (e.Problem == DeadLetterProblem.NoSuchQueue)
        {
            return false; // deleted since: the outcome of its messages is unknown
        }
    }
}
