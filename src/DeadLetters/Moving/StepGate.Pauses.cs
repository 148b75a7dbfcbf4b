using System.Globalization;

namespace WorkinIt.DeadLetters;

/// <summary>The part that pauses the replay, and lets it go on as the operator answers.</summary>
internal sealed partial class StepGate
{
    private readonly List<string> _requests = []; // the users who have asked for a pause
    private bool _acceptsNoConsumer;
    private bool _restarts; // with a small step, after the current one

    /// <summary>Why the replay is paused; null if it is not.</summary>
    public ReplayPause? Paused { get; private set; }

    /// <summary>Whether a user has asked for a pause that has not begun.</summary>
    public bool IsPauseRequested => request.PauseRequest?.Invoke() is not null;

    /// <summary>The pauses that users have asked for, as text for the audit log; null if there were none.</summary>
    public string? RequestedPauses => _requests.Count == 0 ? null : $"paused by {string.Join(", ", _requests.Distinct())}";

    /// <summary>Pauses the replay because the broker accepts no messages.</summary>
    /// <param name="why">The broker's reason.</param>
    public void Block(string why) => Paused = NewPause(PauseReason.Blocked, why);

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
        Paused = null;
        // The outcomes of the step come first: not all are known, and nobody has accepted its failures.
        _restarts = HasSteps && pause.Reason == PauseReason.Requested;
        if (_restarts)
        {
            _settlement = new StepSettlement(request.StepWait, _clock.Elapsed);
            mover.Report(waiting: false, always: true);
            return await WaitAsync(cancellationToken);
        }
        Outcomes.Accept();
        Begin(_steps.Restart);
        mover.Report(waiting: false, always: true);
        return true;
    }

    // Whether a user has asked for a pause, which begins now.
    private bool TakeRequest()
    {
        if (request.PauseRequest?.Invoke() is not { } by)
            return false;
        _requests.Add(by);
        Paused = NewPause(PauseReason.Requested, $"requested by {by}");
        return true;
    }

    private string Stuck(StepCounts step, string reason) => string.Create(CultureInfo.InvariantCulture,
        $"{step.Waiting:N0} of {step.Moved:N0} messages of the last step wait in {string.Join(", ", Outcomes.WaitingIn)}: {reason}");

    private ReplayPause NewPause(PauseReason reason, string text)
    {
        var present = Pace ?? Math.Max(1, _attempted) / Math.Max(0.1, (_clock.Elapsed - _begun).TotalSeconds);
        return new ReplayPause(reason, text, Math.Max(ReplayRequest.LeastPace, present >= 4 ? Math.Floor(present / 2) : Math.Round(present / 2, 4)));
    }
}
