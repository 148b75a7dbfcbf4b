using System.Globalization;

namespace WorkinIt.DeadLetters;

/// <summary>What was observed of a replayed message, and no more.</summary>
public enum Outcome
{
    /// <summary>The application says that its work is done; for WorkinIt: the mail was sent.</summary>
    Handled,

    /// <summary>It is a dead letter again.</summary>
    FailedAgain,

    /// <summary>The application says that it waits for a later try.</summary>
    Delayed,

    /// <summary>No consumer of its queue handles its type: it is in the queue of the skipped.</summary>
    Skipped,

    /// <summary>Its queue is empty, so somebody took it; what became of it, nothing has said yet. Not known.</summary>
    LeftQueue,

    /// <summary>It may still be in its queue. Not known.</summary>
    Waiting,
}

/// <summary>How many replayed messages have which outcome.</summary>
/// <param name="Handled">The application says that their work is done.</param>
/// <param name="FailedAgain">They are dead letters again.</param>
/// <param name="Delayed">The application says that they wait for a later try.</param>
/// <param name="Skipped">No consumer handles their type.</param>
/// <param name="LeftQueue">Somebody took them, and nothing was heard yet.</param>
/// <param name="Waiting">They may still be in their queue.</param>
public sealed record OutcomeCounts(long Handled, long FailedAgain, long Delayed, long Skipped, long LeftQueue, long Waiting)
{
    /// <summary>The outcomes, in the order in which they are shown.</summary>
    public static IReadOnlyList<Outcome> Shown { get; } = [Outcome.FailedAgain, Outcome.Skipped, Outcome.Handled, Outcome.Delayed, Outcome.LeftQueue, Outcome.Waiting];

    /// <summary>None.</summary>
    public static OutcomeCounts None { get; } = new(0, 0, 0, 0, 0, 0);

    /// <summary>Of one outcome.</summary>
    /// <param name="outcome">The outcome.</param>
    public long Of(Outcome outcome) => outcome switch
    {
        Outcome.Handled => Handled,
        Outcome.FailedAgain => FailedAgain,
        Outcome.Delayed => Delayed,
        Outcome.Skipped => Skipped,
        Outcome.LeftQueue => LeftQueue,
        _ => Waiting,
    };

    /// <summary>Counts them.</summary>
    /// <param name="replayed">Replayed messages.</param>
    public static OutcomeCounts Count(IEnumerable<Replayed> replayed)
    {
        var counts = new long[Enum.GetValues<Outcome>().Length];
        foreach (var message in replayed)
            counts[(int)message.Outcome]++;
        return new OutcomeCounts(counts[0], counts[1], counts[2], counts[3], counts[4], counts[5]);
    }

    /// <summary>An outcome in an operator's words.</summary>
    /// <param name="outcome">The outcome.</param>
    public static string Word(Outcome outcome) => outcome switch
    {
        Outcome.Handled => "handled",
        Outcome.FailedAgain => "failed again",
        Outcome.Delayed => "delayed",
        Outcome.Skipped => "skipped",
        Outcome.LeftQueue => "left the queue: nothing heard yet",
        _ => "waiting in the queue",
    };

    /// <summary>As in <c>173 failed again, 2 handled</c>; empty where there is none.</summary>
    public override string ToString() => string.Join(", ", Shown.Where(outcome => Of(outcome) > 0).Select(outcome => string.Create(CultureInfo.InvariantCulture, $"{Of(outcome):N0} {Word(outcome)}")));
}

/// <summary>A replayed message's new dead letter.</summary>
/// <param name="Queue">The dead-letter queue; null where only an exchange on the way to it was seen.</param>
/// <param name="Id">The new dead letter's id.</param>
/// <param name="ExceptionType">Why; null where that is not said.</param>
/// <param name="Reason">Why, cut to some hundred characters. May hold personal data.</param>
public sealed record NewLetter(string? Queue, string Id, string? ExceptionType, string Reason);
