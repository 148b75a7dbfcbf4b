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
internal sealed partial class StepGate(ReplayRequest request, QueueSession session, OutcomeTracker tracker, Mover mover, ReplayPauses pauses, bool mayReport)
{
    private const int MostWaits = 6; // a window is taken ahead of the one that is moved, so a message may be held during five waits
    private static readonly TimeSpan _lookEvery = TimeSpan.FromMilliseconds(100);

    private readonly ReplaySteps _steps = new();
    private readonly KnownCauses _causes = new(request.Causes ?? []);
    private readonly Stopwatch _clock = Stopwatch.StartNew();
    private readonly Stopwatch _sinceLook = Stopwatch.StartNew();
    private StepSettlement? _settlement;
    private StepSettlement? _within; // of a step that is not complete
    private TimeSpan _begun;
    private long _attempted;
    private bool? _reports = mayReport ? null : false; // null: nothing was heard yet
    private StepOutcomes? _outcomes;

    /// <summary>Whether the replay goes in steps. Otherwise it pauses only if a user asks for that.</summary>
    public required bool HasSteps { get; init; }

    /// <summary>The number of the current step since the last pause, from 1; 0 without steps.</summary>
    public int Number => HasSteps ? _steps.Number : 0;

    /// <summary>How many messages the current step moves at most; 0 without steps.</summary>
    public long Size => HasSteps ? _steps.Size : 0;

    /// <summary>Whether the next step waits for outcomes.</summary>
    public bool IsSettling => _settlement is not null;

    /// <summary>Messages per second, as the request or the last answer says.</summary>
    public double? Pace { get; private set; } = request.Pace;

    /// <summary>Counts the canary as the first step.</summary>
    public void SkipFirst()
    {
        _steps.Next();
        Outcomes.Begin();
    }

    /// <summary>Adds the causes of messages that are about to be moved: they are not new. If a dry run has found the causes, only their stack traces are added.</summary>
    /// <param name="letters">The messages.</param>
    public void Know(IEnumerable<DeadLetter> letters)
    {
        foreach (var letter in letters)
        {
            if (request.Causes is null)
                _causes.Know(letter.Cause, letter.StackTrace);
            else
                _causes.See(letter.Cause, letter.StackTrace);
        }
    }

    /// <summary>Whether a message may be moved now, while others are held. Waits a moment for the outcomes of the step before.</summary>
    /// <param name="turns">The pace, which does not count the wait.</param>
    /// <param name="confirm">Waits until all published messages are confirmed.</param>
    /// <param name="cancellationToken">Cancels the operation.</param>
    /// <returns>False if the messages that are held must be returned first; then <see cref="WaitAsync"/> waits.</returns>
    public async Task<bool> MayMoveAsync(Turns turns, Func<Task> confirm, CancellationToken cancellationToken)
    {
        var isRequested = TakeRequest();
        if (!isRequested && _settlement is null && (!HasSteps || (_attempted < Size && !EndsEarly())))
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
        if (Paused is null && !TakeRequest() && HasSteps)
            await LookAsync(_within ??= new StepSettlement(request.StepWait, _clock.Elapsed), cancellationToken);
        return Paused is not null;
    }

    private StepOutcomes Outcomes => _outcomes ??= new(tracker, session.Failures, new PauseRule(request.FailureLimit), _causes);

    // An early end is checked every 100 ms; a background task refreshes the outcomes.
    private bool EndsEarly()
    {
        if (_sinceLook.Elapsed < _lookEvery)
            return false;
        _sinceLook.Restart();
        return Outcomes.Problem(Size, hasEnded: false, _reports != false) is not null;
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
                Begin(_restarts ? _steps.Restart : _steps.Next);
                return true;
            }
            if (TakeRequest())
                return false;
            mover.Report(waiting: false);
            if (_clock.Elapsed - began is var waited && waited > longest)
                return false;
            await Task.Delay(waited.TotalSeconds switch { < 2 => 50, < 10 => 200, _ => 500 }, cancellationToken);
        }
    }

    private async Task<Settlement> LookAsync(StepSettlement settlement, CancellationToken cancellationToken)
    {
        await tracker.RefreshAsync(cancellationToken);
        var step = Outcomes.Current;
        if (Outcomes.HasReports)
            _reports = true;
        var (ready, without) = step.Waiting == 0 ? ((long?)0, null) : await CountAsync(cancellationToken);
        var found = settlement.Look(step, _reports != false, ready, without is null, _clock.Elapsed);
        if (_acceptsNoConsumer && (without is not null || found is Settlement.NoneLeft or Settlement.NotCounted))
            found = Settlement.TimedOut;
        if (found == Settlement.TimedOut)
            _reports ??= false; // a complete step without a word: do not wait so long again
        if (Outcomes.Problem(step.Moved, found != Settlement.Open, _reports != false) is var (reason, text))
            Paused = NewPause(reason, text);
        else if (found is Settlement.NoConsumer or Settlement.NoneLeft or Settlement.NotCounted)
            Paused = NewPause(PauseReason.NoConsumer, Stuck(step, settlement.Reason(found, without)));
        return found;
    }

    // How many messages are ready where the step waits, null if the broker can't count them now, and one of these queues that has no consumer.
    private async Task<(long? Ready, string? Without)> CountAsync(CancellationToken cancellationToken)
    {
        var (ready, without) = ((long?)0, (string?)null);
        foreach (var queue in Outcomes.WaitingIn)
        {
            var (count, consumers) = await session.Broker.TryCountsAsync(queue, cancellationToken);
            ready += consumers is null ? 0 : count;
            if (consumers is null or 0)
                without ??= queue;
        }
        return (ready, without);
    }

    private void Begin(Action step)
    {
        step();
        Outcomes.Begin();
        (_settlement, _within, _attempted, _begun, _restarts) = (null, null, 0, _clock.Elapsed, false);
    }
}
