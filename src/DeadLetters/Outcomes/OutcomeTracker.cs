using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;

namespace WorkinIt.DeadLetters;

/// <summary>
/// Follows the outcomes of replayed messages, while the replay runs and after it, cancelled or not. It reports only what was observed: a failure
/// that was seen, the application's answer, an empty queue.
/// </summary>
/// <param name="advisor">The application's advisor; null if there is none.</param>
/// <param name="session">The replay's session.</param>
/// <param name="targets">The queues that messages were replayed to.</param>
/// <param name="stamps">Reads from a dead-letter queue the messages of this replay.</param>
internal sealed class OutcomeTracker(
    IReplayAdvisor? advisor, QueueSession session, Func<IReadOnlyCollection<string>> targets, Func<string, CancellationToken, Task<IReadOnlyList<DeadLetter>>> stamps) : IAsyncDisposable
{
    private static readonly TimeSpan _ask = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan _settled = TimeSpan.FromSeconds(3); // a failure is recorded before its dead letter arrives

    private readonly Lock _lock = new();
    private readonly List<Replayed> _replayed = [];
    private readonly Dictionary<string, TimeSpan> _delayedSince = [];
    private readonly Stopwatch _clock = Stopwatch.StartNew();
    private readonly CancellationTokenSource _ended = new();
    private readonly SemaphoreSlim _one = new(1, 1);
    private Task _following = Task.CompletedTask;

    /// <summary>The replayed messages, each with its outcome so far.</summary>
    public IReadOnlyList<Replayed> Replayed
    {
        get
        {
            lock (_lock)
                return [.. _replayed];
        }
    }

    public OutcomeCounts Counts
    {
        get
        {
            lock (_lock)
                return OutcomeCounts.Count(_replayed);
        }
    }

    /// <summary>How many messages were replayed.</summary>
    public int Moved
    {
        get
        {
            lock (_lock)
                return _replayed.Count;
        }
    }

    /// <summary>The replayed messages without the first ones.</summary>
    public IReadOnlyList<Replayed> Since(int first)
    {
        lock (_lock)
            return _replayed[first..];
    }

    public void Add(Replayed replayed)
    {
        lock (_lock)
            _replayed.Add(replayed);
    }

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
            var open = Replayed.Count(IsOpen);
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
            UpdateOpen(Seen);
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
            // The queue can't be read: these messages have left their queue, with an unknown outcome.
        }
    }

    private async Task QueryAdvisorAsync(CancellationToken cancellationToken)
    {
        if (advisor is null)
            return;
        foreach (var some in Replayed.Where(message => message.Outcome is Outcome.Waiting or Outcome.LeftQueue or Outcome.Delayed).Chunk(500))
        {
            var answers = await advisor.OutcomesAsync(some, cancellationToken);
            var known = some.Zip(answers).Where(pair => pair.Second is not null).ToDictionary(pair => pair.First.ReplayId, pair => pair.Second!.Value);
            UpdateOpen(message => known.TryGetValue(message.ReplayId, out var outcome) ? message with { Outcome = outcome } : null);
            foreach (var (id, outcome) in known)
            {
                if (outcome == Outcome.Delayed)
                    _delayedSince.TryAdd(id, _clock.Elapsed);
            }
        }
    }

    // The broker confirmed these messages before this query: if the queue is empty, they have left it. The broker does not report who holds them.
    private async Task QueryQueuesAsync(CancellationToken cancellationToken)
    {
        var waiting = Replayed.Where(message => message.Outcome == Outcome.Waiting).Select(message => message.ReplayId).ToHashSet();
        if (waiting.Count == 0)
            return;
        try
        {
            foreach (var target in targets())
            {
                if (await session.Broker.ReadyAsync(target, cancellationToken) > 0)
                    return;
            }
        }
        catch (DeadLetterException e) when (e.Problem == DeadLetterProblem.NoSuchQueue)
        {
            return; // deleted since: the outcome of its messages is unknown
        }
        UpdateOpen(message => waiting.Contains(message.ReplayId) && message.Outcome == Outcome.Waiting ? message with { Outcome = Outcome.LeftQueue } : null);
    }

    private Replayed? Seen(Replayed message) => session.Failures.Find(message.ReplayId) is { } seen
        ? message with { Outcome = seen.Outcome, NewLetter = seen.Letter }
        : null;

    private void UpdateOpen(Func<Replayed, Replayed?> update)
    {
        lock (_lock)
        {
            for (var i = 0; i < _replayed.Count; i++)
            {
                if (_replayed[i].Outcome is Outcome.Waiting or Outcome.LeftQueue or Outcome.Delayed && update(_replayed[i]) is { } known)
                    _replayed[i] = known;
            }
        }
    }

    private bool IsOpen(Replayed message) => message.Outcome is Outcome.Waiting or Outcome.LeftQueue
        || (message.Outcome == Outcome.Delayed && _clock.Elapsed - _delayedSince.GetValueOrDefault(message.ReplayId) < _settled);
}
