using System.Collections.Concurrent;
using System.Diagnostics;
using System.Threading.Channels;
using RabbitMQ.Client;
using RabbitMQ.Client.Exceptions;

namespace WorkinIt.DeadLetters;

/// <summary>
/// Moves or removes exactly the messages that were decided on. A move publishes the message as mandatory, waits for the confirm, then acks it; up to
/// <see cref="DeadLetterOptions.Outstanding"/> moves at once, in their order. The other messages are returned to their places.
/// </summary>
internal sealed class Mover(QueueSession session, DeadLetterOptions options, IProgress<OperationProgress>? progress)
{
    private static readonly TimeSpan _reportEvery = TimeSpan.FromMilliseconds(100);

    private readonly Stopwatch _sinceReport = Stopwatch.StartNew();
    private readonly Dictionary<string, Refusal> _refused = [];
    private readonly List<Doubt> _doubts = []; // published, and never confirmed or never acked
    private readonly Queue<(long Ack, Doubt Doubt)> _unproven = new(); // acked, and the broker has not answered since
    private readonly List<string> _messages = [];
    private readonly HashSet<string> _returned = []; // by the broker: not tried again in each pass
    private long _left;
    private long _examined;

    /// <summary>Creates the mover of a request.</summary>
    /// <param name="session">The queue.</param>
    /// <param name="options">The broker.</param>
    /// <param name="request">Which messages. Without a filter, these are all messages of the queue, unless the request names the queue that discarded ones came from.</param>
    /// <param name="total">How many messages are in the queue.</param>
    /// <param name="progress">Receives progress reports.</param>
    public static Mover For(QueueSession session, DeadLetterOptions options, OperationRequest request, long total, IProgress<OperationProgress>? progress) =>
        new(session, options, progress) { Total = total, Meant = request.Expected ?? (request.Filter.IsEmpty && request.Queue == session.Queue ? total : 0) };

    public required long Total { get; init; }

    public long Done { get; private set; }

    /// <summary>How many messages were moved, or would have been if the broker had accepted them.</summary>
    public long Attempted { get; private set; }

    /// <summary>How many messages were published and are not confirmed.</summary>
    public int Unconfirmed { get; private set; }

    /// <summary>How many messages are known to be selected before they are read; 0 if unknown.</summary>
    public long Meant { get; set; }

    public long Selected => Math.Max(Done + _refused.Count + _doubts.Count, Meant);

    /// <summary>How many messages the queue held when the operation began, including those that delayed retry hides.</summary>
    public long Held => Total + session.Hidden;

    /// <summary>Of a replay: follows the outcomes of the moved messages.</summary>
    public OutcomeTracker? Tracker { get; set; }

    /// <summary>Called for each message once it has left the queue.</summary>
    public Action<DeadLetter>? OnMoved { get; set; }

    /// <summary>Messages that were published, but never confirmed or never acked: each is in the dead-letter queue, and may be in its target queue too.</summary>
    public IReadOnlyList<Doubt> Doubts => _doubts;

    public IReadOnlyCollection<Refusal> Refused => _refused.Values;

    public IReadOnlyList<Replayed> Replayed => Tracker?.Replayed ?? [];

    /// <summary>The outcomes as text; empty if it is not a replay.</summary>
    public string Results => Tracker?.Counts.ToString() ?? "";

    public IReadOnlyList<string> Messages => _messages;

    /// <summary>Goes through the queue once, or in several passes if it is paced.</summary>
    /// <param name="decide">Decides on a window of messages.</param>
    /// <param name="pace">Messages per second.</param>
    /// <param name="most">Ends after this many messages were moved or returned by the broker.</param>
    /// <param name="cancellationToken">Cancels the operation between two messages; messages that were not moved are returned.</param>
    public async Task RunAsync(Func<IReadOnlyList<DeadLetter>, Task<IReadOnlyList<Decision>>> decide, double? pace, long most, CancellationToken cancellationToken)
    {
        await session.OpenPublisherAsync(cancellationToken);
        session.OnBlocked = () => Report(waiting: false, always: true);
        var before = Attempted;
        var aPass = pace is { } perSecond ? Math.Max(1, (long)(perSecond * session.LongestPass.TotalSeconds)) : long.MaxValue;
        while (true)
        {
            _examined = Done;
            _left = 0;
            var moves = Math.Min(aPass, most - (Attempted - before));
            if (Attempted > before)
                await WaitForTurnAsync(pace, 1, Stopwatch.StartNew(), cancellationToken); // while no message is held
            cancellationToken.ThrowIfCancellationRequested();
            var atTheEnd = await GuardedAsync(() => PassAsync(decide, pace, moves, cancellationToken));
            if (atTheEnd || Attempted - before >= most)
                return;
            cancellationToken.ThrowIfCancellationRequested();
        }
    }

    private static async Task<bool> GuardedAsync(Func<Task<bool>> pass)
    {
        try
        {
            return await pass();
        }
        catch (Exception e) when (e is RabbitMQClientException or IOException or TimeoutException)
        {
            throw BrokerConnection.Closed((e as OperationInterruptedException)?.ShutdownReason, e);
        }
    }

    // Returns true at the end of the messages that were in the queue when the operation began.
    private async Task<bool> PassAsync(Func<IReadOnlyList<DeadLetter>, Task<IReadOnlyList<Decision>>> decide, double? pace, long most, CancellationToken cancellationToken)
    {
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        using var cancelled = cancellationToken.UnsafeRegister(static session => ((QueueSession)session!).GiveUpWhileBlocked(), session);
        // One window is taken while the previous one is published.
        var windows = Channel.CreateBounded<IReadOnlyList<Taken>>(1);
        var taking = TakeAsync(windows.Writer, Total - Done, ending.Token);
        var outstanding = new Queue<(Taken Taken, Decision.Move Move, Task<string?> Confirm)>();
        var clock = Stopwatch.StartNew();
        long moved = 0;
        var atTheEnd = true;
        try
        {
            await foreach (var window in windows.Reader.ReadAllAsync(CancellationToken.None))
            {
                Unconfirmed = outstanding.Count;
                var decisions = await decide([.. window.Select(taken => taken.Letter)]);
                for (var i = 0; i < window.Count && atTheEnd; i++)
                {
                    if (cancellationToken.IsCancellationRequested || moved >= most)
                    {
                        atTheEnd = false;
                        break;
                    }
                    _examined++;
                    switch (decisions[i])
                    {
                        case Decision.Move when _returned.Contains(window[i].Letter.Id):
                            break;
                        case Decision.Move move:
                            if (TurnOf(pace, moved) > clock.Elapsed)
                            {
                                await SettleAllAsync(outstanding); // no published message is held while the next one waits
                                await session.ProveAcksAsync();
                            }
                            await WaitForTurnAsync(pace, moved, clock, cancellationToken);
                            session.EnsureHolds();
                            if (cancellationToken.IsCancellationRequested)
                                goto default;
                            moved++;
                            Attempted++;
                            var confirm = await session.SendAsync(move.Exchange, move.RoutingKey, move.Properties, move.Body, cancellationToken);
                            outstanding.Enqueue((window[i], move, confirm));
                            if (confirm.IsFaulted)
                                await SettleAllAsync(outstanding); // publish no more
                            break;
                        case Decision.Remove:
                            await session.AckAsync(window[i], CancellationToken.None);
                            Count(window[i].Letter);
                            break;
                        case Decision.Refuse refuse:
                            Refuse(window[i].Letter, refuse.Why);
                            break;
                        default:
                            _left++;
                            break;
                    }
                    while (outstanding.Count > 0 && (outstanding.Count >= options.Outstanding || outstanding.Peek().Confirm.IsCompleted))
                        await SettleAsync(outstanding.Dequeue());
                    Report(waiting: false);
                }
                if (!atTheEnd)
                    break;
            }
        }
        finally
        {
            await ending.CancelAsync();
            if (cancellationToken.IsCancellationRequested)
                session.GiveUpWhileBlocked(); // an alarm that began after the cancel
            try
            {
                await SettleAllAsync(outstanding);
            }
            finally
            {
                windows.Reader.TryRead(out _);
                await taking.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                while (outstanding.Count > 0) // sort each one: confirmed and acked, or in doubt
                    await SettleQuietlyAsync(outstanding.Dequeue());
                await EndAsync();
            }
        }
        if (taking.IsFaulted)
            await taking;
        Report(waiting: false, always: true);
        return atTheEnd;
    }

    // Returns what is held, and waits until the broker has received the acks: an ack that is lost leaves the message in both queues.
    private async Task EndAsync()
    {
        try
        {
            await session.GiveBackAsync();
            await session.ProveAcksAsync();
        }
        finally
        {
            ForgetProven();
            Done -= _unproven.Count;
            _doubts.AddRange(_unproven.Select(one => one.Doubt));
            _unproven.Clear();
        }
    }

    private void ForgetProven()
    {
        while (_unproven.TryPeek(out var one) && one.Ack <= session.ProvenAcks)
            _unproven.Dequeue();
    }

    private async Task TakeAsync(ChannelWriter<IReadOnlyList<Taken>> windows, long count, CancellationToken cancellationToken)
    {
        try
        {
            await foreach (var window in session.TakeAsync(count, Done + 1, cancellationToken))
                await windows.WriteAsync(window, cancellationToken);
        }
        finally
        {
            windows.TryComplete();
        }
    }

    private static async Task WaitForTurnAsync(double? pace, long moved, Stopwatch clock, CancellationToken cancellationToken)
    {
        var wait = TurnOf(pace, moved) - clock.Elapsed;
        if (wait > TimeSpan.Zero)
            await Task.Delay(wait, cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    private static TimeSpan TurnOf(double? pace, long moved) => pace is { } perSecond ? TimeSpan.FromSeconds(moved / perSecond) : TimeSpan.Zero;

    private async Task SettleAllAsync(Queue<(Taken Taken, Decision.Move Move, Task<string?> Confirm)> outstanding)
    {
        while (outstanding.Count > 0)
            await SettleAsync(outstanding.Dequeue());
    }

    private async Task SettleAsync((Taken Taken, Decision.Move Move, Task<string?> Confirm) one)
    {
        string? why;
        try
        {
            why = await one.Confirm;
        }
        catch (DeadLetterException)
        {
            AddDoubt(one.Taken.Letter, one.Move);
            throw;
        }
        if (why is not null)
        {
            _returned.Add(one.Taken.Letter.Id);
            Refuse(one.Taken.Letter, why);
            return;
        }
        try
        {
            _unproven.Enqueue((await session.AckAsync(one.Taken, CancellationToken.None), DoubtOf(one.Taken.Letter, one.Move)));
            ForgetProven();
        }
        catch (Exception e) when (e is RabbitMQClientException or IOException or TimeoutException)
        {
            // The copy has arrived, and the broker returns the original to its place. A later replay must not repeat it without a warning.
            AddDoubt(one.Taken.Letter, one.Move);
            throw;
        }
        Count(one.Taken.Letter);
        if (one.Move.Replayed is { } replayed)
            Tracker?.Add(replayed);
    }

    private async Task SettleQuietlyAsync((Taken Taken, Decision.Move Move, Task<string?> Confirm) one)
    {
        try
        {
            await SettleAsync(one);
        }
        catch (Exception e) when (e is DeadLetterException or RabbitMQClientException or IOException or TimeoutException)
        {
            // Recorded as a doubt; the first failure is being thrown already.
        }
    }

    private void AddDoubt(DeadLetter letter, Decision.Move move) => _doubts.Add(DoubtOf(letter, move));

    private static Doubt DoubtOf(DeadLetter letter, Decision.Move move) => new(letter.Id, letter.MessageId, move.Replayed?.ReplayId);

    private void Count(DeadLetter letter)
    {
        Done++;
        OnMoved?.Invoke(letter);
        _refused.Remove(letter.Id); // an earlier pass had no room for it
        if (_messages.Count < AuditEntry.NamedMessages)
            _messages.Add(letter.MessageId ?? letter.Id);
    }

    private void Refuse(DeadLetter letter, string why) => _refused[letter.Id] = new Refusal(letter.Id, letter.MessageId, why);

    public void Report(bool waiting, bool always = false)
    {
        if (progress is null || (!always && _sinceReport.Elapsed < _reportEvery))
            return;
        _sinceReport.Restart();
        var outcomes = Tracker?.Counts ?? OutcomeCounts.None;
        progress.Report(new OperationProgress(_examined, Total, Done, _refused.Count, outcomes.Handled + outcomes.FailedAgain + outcomes.Skipped + outcomes.Delayed, waiting)
        {
            Outcomes = outcomes,
            Blocked = session.Blocked,
        });
    }
}
