using System.Diagnostics;
using System.Threading.Channels;
using RabbitMQ.Client.Exceptions;

namespace WorkinIt.DeadLetters;

/// <summary>
/// Goes through the queue, in several passes if it is paced, and does what was decided with each message: move, remove, refuse, or leave. A reader
/// leaves all. Messages that stay are returned to their places.
/// </summary>
internal sealed partial class Mover(QueueSession session, DeadLetterOptions options, IProgress<OperationProgress>? progress)
{
    private static readonly TimeSpan _reportEvery = TimeSpan.FromMilliseconds(100);

    private readonly Stopwatch _sinceReport = Stopwatch.StartNew();
    private long _examined;
    private long _passBegan; // how many messages had been attempted then

    /// <summary>Creates the mover of a request.</summary>
    /// <param name="session">The queue.</param>
    /// <param name="options">The broker.</param>
    /// <param name="request">Which messages. Without a filter, these are all messages of the queue, except for a restore that names the original queue: its <c>_discarded</c> queue may hold messages of other queues.</param>
    /// <param name="total">How many messages are in the queue.</param>
    /// <param name="progress">Receives progress reports.</param>
    public static Mover For(QueueSession session, DeadLetterOptions options, OperationRequest request, long total, IProgress<OperationProgress>? progress) =>
        new(session, options, progress) { Total = total, Meant = request.Expected ?? (request.Filter.IsEmpty && request.Queue == session.Queue ? total : 0), Ids = SelectedIds.Of(request.Filter) };

    public required long Total { get; init; }

    /// <summary>The messages after which the queue need not be read further; null if all of it must be read.</summary>
    public SelectedIds? Ids { get; init; }

    /// <summary>What was moved, refused, and is in doubt.</summary>
    public MoveTally Tally { get; } = new();

    public long Done => Tally.Done;

    /// <summary>How many messages were moved, or would have been if the broker had accepted them.</summary>
    public long Attempted { get; private set; }

    /// <summary>How many messages were published and not confirmed when the current window began.</summary>
    public int Unconfirmed { get; private set; }

    /// <summary>How many messages a dry run, or an empty filter, selected; 0 if unknown.</summary>
    public long Meant { get; init; }

    public long Selected => Math.Max(Tally.Decided, Meant);

    /// <summary>How many messages the queue held when the operation began, including those that delayed retry hides.</summary>
    public long Held => Total + session.Hidden;

    /// <summary>Of a replay: follows the outcomes of the moved messages.</summary>
    public OutcomeTracker? Tracker { get; set; }

    /// <summary>Of a replay in steps: lets it move its messages.</summary>
    public StepGate? Steps { get; set; }

    /// <summary>Of a replay in order: which messages may be moved, and when.</summary>
    public OrderedMoves? Order { get; set; }

    /// <summary>Called for each message once it has left the queue.</summary>
    public Action<DeadLetter>? OnMoved { get; set; }

    /// <summary>Notifies the catalogue of the messages that leave the queue; null if it is not an operation.</summary>
    public FeedNotices? Notices { get; set; }

    /// <summary>The operation's id in the audit log; null for a dry run.</summary>
    public string? OperationId { get; set; }

    public IReadOnlyList<Replayed> Replayed => Tracker?.Replayed ?? [];

    /// <summary>The outcomes as text; empty if it is not a replay.</summary>
    public string Results => string.Join("; ", new[] { Tracker?.Counts.ToString(), Order?.Text, Steps?.RequestedPauses }.Where(text => !string.IsNullOrEmpty(text)));

    /// <summary>Goes through the queue once, or in several passes if it is paced.</summary>
    /// <param name="decide">Decides on a window of messages.</param>
    /// <param name="pace">Messages per second.</param>
    /// <param name="most">Ends after this many messages were moved or returned by the broker.</param>
    /// <param name="cancellationToken">Cancels the operation between two messages; messages that were not moved are returned.</param>
    public async Task RunAsync(Func<IReadOnlyList<DeadLetter>, Task<IReadOnlyList<Decision>>> decide, double? pace, long most, CancellationToken cancellationToken)
    {
        session.OnBlocked = () => Report(waiting: false, always: true);
        var before = Attempted;
        while (true)
        {
            _examined = Done; // a later pass reads the messages that were left again
            if (Steps is { } steps)
            {
                if (!await steps.WaitAsync(cancellationToken))
                    return;
                pace = steps.Pace;
            }
            var aPass = pace is { } perSecond ? Math.Max(1, (long)(perSecond * session.LongestPass.TotalSeconds)) : long.MaxValue;
            if (Attempted > before)
                await new Turns(pace).WaitAsync(1, Steps, cancellationToken); // one interval, while no message is held
            cancellationToken.ThrowIfCancellationRequested();
            var atTheEnd = await GuardedAsync(() => PassAsync(decide, new Turns(pace), Math.Min(aPass, most - (Attempted - before)), cancellationToken));
            if (Attempted - before >= most || (Order is { } order ? !await order.ContinueAsync(atTheEnd, this, cancellationToken) : atTheEnd))
                return;
            cancellationToken.ThrowIfCancellationRequested();
        }
    }

    /// <summary>Reports the progress.</summary>
    /// <param name="waiting">Whether the operation waits for outcomes.</param>
    /// <param name="always">Whether to report even if the last report was a moment ago.</param>
    public void Report(bool waiting, bool always = false)
    {
        if (progress is null || (!always && _sinceReport.Elapsed < _reportEvery))
            return;
        _sinceReport.Restart();
        var outcomes = Tracker?.Counts ?? OutcomeCounts.None;
        progress.Report(new OperationProgress(_examined, Total, Done, Tally.Refused.Count, outcomes.Handled + outcomes.FailedAgain + outcomes.Skipped + outcomes.Delayed, waiting)
        {
            Outcomes = outcomes,
            Blocked = session.Blocked,
            OperationId = OperationId,
            Step = Steps?.Number ?? 0,
            StepSize = Steps?.Size ?? 0,
            Settling = Steps?.IsSettling ?? false,
            Paused = Steps?.Paused,
        });
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
    private async Task<bool> PassAsync(Func<IReadOnlyList<DeadLetter>, Task<IReadOnlyList<Decision>>> decide, Turns turns, long most, CancellationToken cancellationToken)
    {
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        using var cancelled = cancellationToken.UnsafeRegister(static session => ((QueueSession)session!).GiveUpWhileBlocked(), session);
        // One window is taken while the previous one is published.
        var windows = Channel.CreateBounded<IReadOnlyList<Taken>>(1);
        var taking = TakeAsync(windows.Writer, Total - Done, ending.Token);
        var moves = new OutstandingMoves(session, Tally, options.Outstanding, Moved);
        bool atTheEnd;
        try
        {
            atTheEnd = await MoveAsync(windows.Reader, decide, moves, turns, most, cancellationToken);
        }
        finally
        {
            await ending.CancelAsync();
            if (cancellationToken.IsCancellationRequested)
                session.GiveUpWhileBlocked(); // an alarm that began after the cancel
            try
            {
                await moves.SettleAllAsync();
            }
            finally
            {
                windows.Reader.TryRead(out _); // makes room, so that a writer that waits can end
                await taking.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                await moves.EndAsync();
            }
        }
        if (taking.IsFaulted)
            await taking;
        Report(waiting: false, always: true);
        return atTheEnd;
    }

    private async Task<bool> MoveAsync(
        ChannelReader<IReadOnlyList<Taken>> windows, Func<IReadOnlyList<DeadLetter>, Task<IReadOnlyList<Decision>>> decide, OutstandingMoves moves, Turns turns, long most,
        CancellationToken cancellationToken)
    {
        var before = _passBegan = Attempted;
        Order?.BeginPass();
        await foreach (var window in windows.ReadAllAsync(CancellationToken.None))
        {
            Unconfirmed = moves.Count;
            if (Order is { } order)
            {
                if (!await MoveInOrderAsync(window, order, decide, moves, turns, most - (Attempted - before), cancellationToken) || order.Keys.Movable == 0 || Attempted - before >= most)
                    return false;
                continue;
            }
            var decisions = await decide([.. window.Select(taken => taken.Letter)]);
            foreach (var (taken, decision) in window.Zip(decisions))
            {
                if (cancellationToken.IsCancellationRequested || Attempted - before >= most)
                    return false;
                if (Steps is { } steps && decision is Decision.Move && !Tally.WasDecided(taken.Letter) && !await steps.MayMoveAsync(turns, () => ConfirmAsync(moves), cancellationToken))
                    return false;
                _examined++;
                if (!await ApplyAsync(taken, decision, moves, turns, Attempted - before, cancellationToken))
                    return false;
                await moves.SettleReadyAsync();
                Report(waiting: false);
            }
            if (Ids?.AllSeen(window.Select(taken => taken.Letter)) == true)
                return true;
        }
        return true;
    }

    /// <returns>False if the message was not moved, because a cancel or a pause was asked for during the wait for its turn.</returns>
    private async Task<bool> ApplyAsync(Taken taken, Decision decision, OutstandingMoves moves, Turns turns, long moved, CancellationToken cancellationToken)
    {
        switch (decision)
        {
            case Decision.Move move when !Tally.WasDecided(taken.Letter):
                if (turns.IsLater(moved))
                    await ConfirmAsync(moves); // no published message is held while the next one waits
                await turns.WaitAsync(moved, Steps, cancellationToken);
                session.EnsureHolds();
                if (cancellationToken.IsCancellationRequested || Steps is { IsPauseRequested: true })
                    return false;
                Attempted++;
                await moves.PublishAsync(taken, move, cancellationToken);
                break;
            case Decision.Remove:
                await session.AckAsync(taken, CancellationToken.None);
                Moved(taken.Letter, null);
                break;
            case Decision.Refuse refuse:
                Tally.Refuse(taken.Letter, refuse.Why);
                break;
        }
        return true;
    }

    private async Task ConfirmAsync(OutstandingMoves moves)
    {
        await moves.SettleAllAsync();
        await session.ProveAcksAsync();
    }

    private void Moved(DeadLetter letter, Replayed? replayed)
    {
        Tally.CountMoved(letter);
        OnMoved?.Invoke(letter);
        Notices?.Add(letter.Id, replayed);
        if (replayed is null)
            return;
        Order?.Keys.Moved(letter, Tracker!.Moved);
        Tracker?.Add(replayed);
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
}
