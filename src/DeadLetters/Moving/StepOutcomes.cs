using System.Globalization;

namespace WorkinIt.DeadLetters;

/// <summary>The outcomes of a replay's messages by step, since the last pause: a slow failure may show after its step.</summary>
/// <param name="tracker">Follows the outcomes.</param>
/// <param name="failures">The dead letters that were seen.</param>
/// <param name="rule">When failures are too many.</param>
/// <param name="causes">The causes that the selected messages have.</param>
internal sealed class StepOutcomes(OutcomeTracker tracker, FailureWatch failures, PauseRule rule, KnownCauses causes)
{
    private readonly List<int> _starts = [0]; // of the steps since the last pause, in the order of the moved messages

    /// <summary>The outcomes of the current step.</summary>
    public StepCounts Current => StepCounts.Of(Step());

    /// <summary>The queues that messages of the current step were not seen leaving.</summary>
    public IReadOnlyList<string> WaitingIn => [.. Step().Where(message => message.Outcome == Outcome.Waiting).Select(message => message.Target).Distinct()];

    /// <summary>Whether the application has reported an outcome in this replay.</summary>
    public bool HasReports => tracker.Counts is { Handled: > 0 } or { Delayed: > 0 } or { Taken: > 0 };

    /// <summary>Begins a step with the next message that is moved.</summary>
    public void Begin() => _starts.Add(tracker.Moved);

    /// <summary>Accepts all failures so far: an operator has ended the pause.</summary>
    public void Accept()
    {
        foreach (var failure in tracker.Since(_starts[0]).Select(FailureOf).OfType<SeenFailure>())
            causes.Know(failure.Cause, failure.StackTrace);
        _starts.Clear();
    }

    /// <summary>Why the replay must pause; null if it may go on.</summary>
    /// <param name="size">How many messages the current step moves.</param>
    /// <param name="hasEnded">Whether no more outcomes of the current step are awaited.</param>
    /// <param name="reports">Whether the application reports outcomes, or may do so.</param>
    public (PauseReason Reason, string Text)? Problem(long size, bool hasEnded, bool reports)
    {
        var messages = tracker.Since(_starts[0]);
        foreach (var message in messages)
        {
            if (FailureOf(message) is { Cause: var cause } failure && !causes.Contains(failure))
                return (PauseReason.NewCause, $"A new cause, which none of the selected messages had: {cause.ExceptionType ?? Masking.Text(cause.Text)} (cause {cause.Id})");
        }
        for (var i = 0; i < _starts.Count; i++)
        {
            var isLast = i == _starts.Count - 1;
            var step = StepCounts.Of(messages.Skip(_starts[i] - _starts[0]).Take(isLast ? int.MaxValue : _starts[i + 1] - _starts[i]));
            if (rule.IsReached(step, isLast ? size : step.Moved, !isLast || hasEnded, reports))
                return (PauseReason.Failures, string.Create(CultureInfo.InvariantCulture, $"{step.Failed:N0} of {step.Moved:N0} messages of {(isLast ? "the last step" : "an earlier step")} failed again"));
        }
        return null;
    }

    private IReadOnlyList<Replayed> Step() => tracker.Since(_starts[^1]);

    private SeenFailure? FailureOf(Replayed message) => message.Outcome is Outcome.FailedAgain or Outcome.Skipped ? failures.Find(message.ReplayId) : null;
}
