using System.Globalization;

namespace WorkinIt.DeadLetters;

/// <summary>The outcome of a replayed message: what was observed, and no more.</summary>
public enum Outcome
{
    /// <summary>The application reports that its work is done; for WorkinIt: the mail was sent, or the recipient has unsubscribed.</summary>
    Handled,

    /// <summary>It is a dead letter again.</summary>
    FailedAgain,

    /// <summary>The application reports that the try failed, and no new dead letter was seen; for WorkinIt: the message waits for a later try.</summary>
    Delayed,

    /// <summary>No consumer of its queue handles its type: it is in the skipped queue.</summary>
    Skipped,

    /// <summary>Its queue was seen empty: a consumer took it, or it expired, was removed or is hidden. Nothing has reported its outcome yet. Unknown.</summary>
    LeftQueue,

    /// <summary>It was not seen leaving its queue, and may still be there. Unknown.</summary>
    Waiting,
}

/// <summary>The number of replayed messages with each outcome.</summary>
/// <param name="Handled">The application reports that their work is done.</param>
/// <param name="FailedAgain">They are dead letters again.</param>
/// <param name="Delayed">The application reports that they wait for a later try.</param>
/// <param name="Skipped">No consumer handles their type.</param>
/// <param name="LeftQueue">Their queue was seen empty, and nothing has reported their outcome yet.</param>
/// <param name="Waiting">They were not seen leaving their queue, and may still be there.</param>
public sealed record OutcomeCounts(long Handled, long FailedAgain, long Delayed, long Skipped, long LeftQueue, long Waiting)
{
    /// <summary>The outcomes, in the order in which they are shown.</summary>
    public static IReadOnlyList<Outcome> Shown { get; } = [Outcome.FailedAgain, Outcome.Skipped, Outcome.Handled, Outcome.Delayed, Outcome.LeftQueue, Outcome.Waiting];

    /// <summary>No messages.</summary>
    public static OutcomeCounts None { get; } = new(0, 0, 0, 0, 0, 0);

    /// <summary>The number of messages with one outcome.</summary>
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

    /// <summary>Counts outcomes.</summary>
    /// <param name="replayed">Replayed messages.</param>
    internal static OutcomeCounts Count(IEnumerable<Replayed> replayed)
    {
        var counts = new long[Enum.GetValues<Outcome>().Length];
        foreach (var message in replayed)
            counts[(int)message.Outcome]++;
        return new OutcomeCounts(counts[0], counts[1], counts[2], counts[3], counts[4], counts[5]);
    }

    /// <summary>An outcome as text for operators.</summary>
    /// <param name="outcome">The outcome.</param>
    public static string Word(Outcome outcome) => outcome switch
    {
        Outcome.Handled => "handled",
        Outcome.FailedAgain => "failed again",
        Outcome.Delayed => "delayed",
        Outcome.Skipped => "skipped",
        Outcome.LeftQueue => "left the queue: nothing heard yet",
        _ => "may still be in the queue",
    };

    /// <summary>The counts as text, as in <c>173 failed again, 2 handled</c>; empty if there are no messages.</summary>
    public override string ToString() => string.Join(", ", Shown.Where(outcome => Of(outcome) > 0).Select(outcome => string.Create(CultureInfo.InvariantCulture, $"{Of(outcome):N0} {Word(outcome)}")));
}

/// <summary>A replayed message's new dead letter.</summary>
/// <param name="Queue">The dead-letter queue; null if only an exchange on the way to it was seen.</param>
/// <param name="Id">The new dead letter's id.</param>
/// <param name="ExceptionType">The exception's type; null if unknown.</param>
/// <param name="Reason">The reason, cut to a few hundred characters. May contain personal data.</param>
public sealed record NewLetter(string? Queue, string Id, string? ExceptionType, string Reason);
