namespace WorkinIt.DeadLetters;

/// <summary>The outcomes of the messages of one step.</summary>
/// <param name="Failed">Failed again or skipped.</param>
/// <param name="Good">The application reports that they are handled, or that they wait for a later try.</param>
/// <param name="Left">Their queue was seen empty, and nothing was heard of them.</param>
/// <param name="Waiting">Not seen leaving their queue.</param>
internal readonly record struct StepCounts(long Failed, long Good, long Left, long Waiting)
{
    public long Moved => Failed + Good + Left + Waiting;

    /// <summary>Counts the outcomes of messages.</summary>
    public static StepCounts Of(IEnumerable<Replayed> messages)
    {
        var (failed, good, left, waiting) = (0, 0, 0, 0);
        foreach (var message in messages)
        {
            switch (message.Outcome)
            {
                case Outcome.FailedAgain or Outcome.Skipped:
                    failed++;
                    break;
                case Outcome.Handled or Outcome.Delayed:
                    good++;
                    break;
                case Outcome.Waiting:
                    waiting++;
                    break;
                default:
                    left++;
                    break;
            }
        }
        return new StepCounts(failed, good, left, waiting);
    }
}

/// <summary>Decides when so many messages of a step have failed that a replay pauses.</summary>
/// <param name="limit">The share of failures, from 0 to 1.</param>
internal sealed class PauseRule(double limit)
{
    /// <summary>Fewer failures do not pause a replay, unless nothing but failures was seen: the first step has one message.</summary>
    public const int FewestFailures = 3;

    /// <summary>
    /// Whether a step has too many failures. Before its end, each message without an outcome counts as good: many fast failures are enough, whatever the
    /// others do. At its end, messages without an outcome do not count; if the application reports nothing at all, those that have left their queue count as good.
    /// </summary>
    /// <param name="step">The outcomes so far.</param>
    /// <param name="size">How many messages the step moves.</param>
    /// <param name="hasEnded">Whether no more outcomes are awaited.</param>
    /// <param name="reports">Whether the application reports outcomes.</param>
    public bool IsReached(StepCounts step, long size, bool hasEnded, bool reports)
    {
        var counted = hasEnded ? step.Failed + step.Good + (reports ? 0 : step.Left) : size;
        return step.Failed > 0 && (step.Failed >= counted || (step.Failed >= FewestFailures && (double)step.Failed / counted >= limit));
    }
}
