using System.Diagnostics;
using System.Globalization;

namespace WorkinIt.DeadLetters;

/// <summary>
/// Lets a replay move its messages in steps: each step begins after the outcomes of the one before, or after a pause that an operator has ended.
/// </summary>
/// <param name="request">The replay.</param>
/// <param name="session">The queue.</param>
/// <param name="tracker">Follows the outcomes.</param>
/// <param name="mover">Moves the messages, and reports the progress.</param>
/// <param name="pauses">Asks the operator.</param>
/// <param name="mayReport">Whether the application may report outcomes: it has an advisor.</param>
internal sealed class StepGate(ReplayRequest request, QueueSession session, OutcomeTracker tracker, Mover mover, ReplayPauses pauses, bool mayReport)
{
    private const int MostWaits = 6; // a window is taken ahead of the one that is moved, so a message may be held during five waits
    private static readonly TimeSpan _lookEvery = TimeSpan.FromMilliseconds(100);

    private readonly ReplaySteps _steps = new();
    private readonly StepOutcomes _outcomes = new(tracker, session.Failures, new PauseRule(request.FailureLimit), request.Causes ?? []);
    private readonly Stopwatch _clock = Stopwatch.StartNew();
    private readonly Stopwatch _sinceLook = Stopwatch.StartNew();
    private StepSettlement? _settlement;
    private StepSettlement? _within; // of a step that is not complete
    private TimeSpan _begun;
    private long _attempted;
    private bool? _reports = mayReport ? null : false; // null: nothing was heard yet
    private bool _acceptsNoConsumer;

    /// <summary>The number of the current step since the last pause, from 1.</summary>
    public int Number => _steps.Number;

    /// <summary>How many messages the current step moves at most.</summary>
    public long Size => _steps.Size;

    /// <summary>Whether the next step waits for outcomes.</summary>
    public bool IsSettling => _settlement is not null;

    /// <summary>Why the replay is paused; null if it is not.</summary>
    public ReplayPause? Paused { get; private set; }

    /// <summary>Messages per second, as the request or the last answer says.</summary>
    public double? Pace { get; private set; } = request.Pace;

    /// <summary>Counts the canary as the first step.</summary>
    public void SkipFirst()
    {
        _steps.Next();
        _outcomes.Begin();
    }

    /// <summary>Adds the causes of messages that are about to be moved: they are not new.</summary>
    /// <param name="letters">The messages.</param>
    public void Know(IEnumerable<DeadLetter> letters) => _outcomes.Know(letters.Select(letter => letter.Cause.Id));

    /// <summary>Whether a message may be moved now, while others are held. Waits a moment for the outcomes of the step before.</summary>
    /// <param name="turns">The pace, which does not count the wait.</param>
    /// <param name="confirm">Waits until all published messages are confirmed.</param>
    /// <param name="cancellationToken">Cancels the operation.</param>
    /// <returns>False if the messages that are held must be returned first; then <see cref="WaitAsync"/> waits.</returns>
    public async Task<bool> MayMoveAsync(Turns turns, Func<Task> confirm, CancellationToken cancellationToken)
    {
        if (_settlement is null && _attempted < Size && !EndsEarly())
        {
            _attempted++;
            _within = null;
            return true;
        }
        await confirm();
        var before = _clock.Elapsed;
        var begins = await SettleAsync(session.LongestPass / MostWaits, cancellationToken);
        turns.Skip(_clock.Elapsed - before);
        if (begins)
            _attempted++;
        return begins;
    }

    /// <summary>Waits, while no message is held, until the next step may begin.</summary>
    /// <returns>False if the replay ends here.</returns>
    public async Task<bool> WaitAsync(CancellationToken cancellationToken)
    {
        if (Paused is null && _settlement is null)
            return true;
        return await SettleAsync(null, cancellationToken) || await PauseAsync(cancellationToken);
    }

    /// <summary>Looks whether the step must end with a pause, although it is not complete: a replay in order waits for outcomes within a step too.</summary>
    /// <param name="cancellationToken">Cancels the operation.</param>
    public async Task<bool> MustPauseAsync(CancellationToken cancellationToken)
    {
        if (Paused is null)
            await LookAsync(_within ??= new StepSettlement(request.StepWait, _clock.Elapsed), cancellationToken);
        return Paused is not null;
    }

    /// <summary>Pauses the replay because the broker accepts no messages.</summary>
    /// <param name="why">The broker's reason.</param>
    public void Block(string why) => Paused = NewPause(PauseReason.Blocked, why);

    // An early end is checked every 100 ms; a background task refreshes the outcomes.
    private bool EndsEarly()
    {
        if (_sinceLook.Elapsed < _lookEvery)
            return false;
        _sinceLook.Restart();
        return _outcomes.Problem(Size, hasEnded: false, _reports != false) is not null;
    }

    // True: the next step has begun. False: the messages that are held must be returned, or there is a pause.
    private async Task<bool> SettleAsync(TimeSpan? longest, CancellationToken cancellationToken)
    {
        if (Paused is not null)
            return false;
        _settlement ??= new StepSettlement(request.StepWait, _clock.Elapsed);
        var began = _clock.Elapsed;
        while (true)
        {
            var found = await LookAsync(_settlement, cancellationToken);
            if (Paused is not null)
                return false;
            if (found != Settlement.Open)
            {
                Begin(_steps.Next);
                return true;
            }
            mover.Report(waiting: false);
            if (_clock.Elapsed - began is var waited && waited > longest)
                return false;
            await Task.Delay(waited.TotalSeconds switch { < 2 => 50, < 10 => 200, _ => 500 }, cancellationToken);
        }
    }

    private async Task<Settlement> LookAsync(StepSettlement settlement, CancellationToken cancellationToken)
    {
        await tracker.RefreshAsync(cancellationToken);
        var step = _outcomes.Current;
        if (_outcomes.HasReports)
            _reports = true;
        var (ready, without) = step.Waiting == 0 ? (0, null) : await CountAsync(cancellationToken);
        var found = settlement.Look(step, _reports != false, ready, without is null, _clock.Elapsed);
        if (_acceptsNoConsumer && (without is not null || found == Settlement.NoneLeft))
            found = Settlement.TimedOut;
        if (found == Settlement.TimedOut)
            _reports ??= false; // a complete step without a word: do not wait so long again
        if (_outcomes.Problem(step.Moved, found != Settlement.Open, _reports != false) is var (reason, text))
            Paused = NewPause(reason, text);
        else if (found is Settlement.NoConsumer or Settlement.NoneLeft)
            Paused = NewPause(PauseReason.NoConsumer, Stuck(step, without));
        return found;
    }

    private string Stuck(StepCounts step, string? without) => string.Create(CultureInfo.InvariantCulture,
        $"{step.Waiting:N0} of {step.Moved:N0} messages of the last step wait in {string.Join(", ", _outcomes.WaitingIn)}: {(without is null ? $"its consumers have taken none for {request.StepWait.TotalSeconds:0.#} s" : $"{without} has no consumer")}");

    // How many messages are ready where the step waits, and one of these queues that has no consumer.
    private async Task<(long Ready, string? Without)> CountAsync(CancellationToken cancellationToken)
    {
        var (ready, without) = (0L, (string?)null);
        foreach (var queue in _outcomes.WaitingIn)
        {
            var (count, consumers) = await session.Broker.CountsAsync(queue, cancellationToken) ?? (0, 0);
            ready += count;
            if (consumers == 0)
                without ??= queue;
        }
        return (ready, without);
    }

    private async Task<bool> PauseAsync(CancellationToken cancellationToken)
    {
        mover.Report(waiting: false, always: true);
        var pause = Paused!;
        if (await pauses.AskAsync(pause, cancellationToken) is not { } answer)
            return false;
        if (pause.Reason == PauseReason.Blocked)
            await session.RenewPublisherAsync();
        _acceptsNoConsumer |= pause.Reason == PauseReason.NoConsumer;
        Pace = answer.Pace ?? Pace;
        _outcomes.Accept();
        Paused = null;
        Begin(_steps.Restart);
        mover.Report(waiting: false, always: true);
        return true;
    }

    private void Begin(Action step)
    {
        step();
        _outcomes.Begin();
        (_settlement, _within, _attempted, _begun) = (null, null, 0, _clock.Elapsed);
    }

    private ReplayPause NewPause(PauseReason reason, string text)
    {
        var present = Pace ?? Math.Max(1, _attempted) / Math.Max(0.1, (_clock.Elapsed - _begun).TotalSeconds);
        return new ReplayPause(reason, text, Math.Max(ReplayRequest.LeastPace, present >= 4 ? Math.Floor(present / 2) : Math.Round(present / 2, 4)));
    }
}
