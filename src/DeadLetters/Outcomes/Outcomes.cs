using System.Globalization;

namespace WorkinIt.DeadLetters;

/// <summary>The outcome of a replayed message: what was observed, and no more.</summary>
public enum Outcome
{
    /// <summary>The application reports that its work is done; for WorkinIt: the mail was sent, or the recipient has unsubscribed.</summary>
    Handled,

    /// <summary>It is a dead letter again.</summary>
    FailedAgain,

    /// <summary>The application reports that the try failed and that the message comes back later; for WorkinIt: the message waits for a later try.</summary>
    Delayed,

    /// <summary>No consumer of its queue handles its type: it is in the skipped queue.</summary>
    Skipped,

    /// <summary>
    /// Its queue was seen empty, and the application reports nothing: a consumer took the message, or it expired, was removed or is hidden. Never the
    /// outcome in an application that is known to report. Unknown.
    /// </summary>
    LeftQueue,

    /// <summary>Nothing was observed: it may still be in its queue. Unknown.</summary>
    Waiting,

    /// <summary>The application reports that a consumer has the message, and nothing since. Unknown.</summary>
    Taken,
}

/// <summary>The number of replayed messages with each outcome.</summary>
/// <param name="Handled">The application reports that their work is done.</param>
/// <param name="FailedAgain">They are dead letters again.</param>
/// <param name="Delayed">The application reports that they wait for a later try.</param>
/// <param name="Skipped">No consumer handles their type.</param>
/// <param name="LeftQueue">Their queue was seen empty, and the application does not report.</param>
/// <param name="Waiting">Nothing was observed: they may still be in their queue.</param>
/// <param name="Taken">A consumer has them, and has reported nothing since.</param>
public sealed record OutcomeCounts(long Handled, long FailedAgain, long Delayed, long Skipped, long LeftQueue, long Waiting, long Taken)
{
    /// <summary>The outcomes, in the order in which they are shown.</summary>
    public static IReadOnlyList<Outcome> Shown { get; } = [Outcome.FailedAgain, Outcome.Skipped, Outcome.Handled, Outcome.Delayed, Outcome.Taken, Outcome.LeftQueue, Outcome.Waiting];

    /// <summary>No messages.</summary>
    public static OutcomeCounts None { get; } = new(0, 0, 0, 0, 0, 0, 0);

    /// <summary>How many have an unknown outcome.</summary>
    public long Unknown => LeftQueue + Waiting + Taken;

    /// <summary>The number of messages with one outcome.</summary>
    /// <param name="outcome">The outcome.</param>
    public long Of(Outcome outcome) => outcome switch
    {
        Outcome.Handled => Handled,
        Outcome.FailedAgain => FailedAgain,
        Outcome.Delayed => Delayed,
        Outcome.Skipped => Skipped,
        Outcome.LeftQueue => LeftQueue,
        Outcome.Taken => Taken,
        _ => Waiting,
    };

    /// <summary>Counts outcomes.</summary>
    /// <param name="replayed">Replayed messages.</param>
    public static OutcomeCounts Count(IEnumerable<Replayed> replayed)
    {
        var counts = new long[Enum.GetValues<Outcome>().Length];
        foreach (var message in replayed)
            counts[(int)message.Outcome]++;
        return Of(counts);
    }

    /// <summary>The counts in the order of <see cref="Outcome"/>.</summary>
    internal static OutcomeCounts Of(IReadOnlyList<long> counts) => new(counts[0], counts[1], counts[2], counts[3], counts[4], counts[5], counts[6]);

    /// <summary>An outcome as text for operators.</summary>
    /// <param name="outcome">The outcome.</param>
    public static string Word(Outcome outcome) => outcome switch
    {
        Outcome.Handled => "handled",
        Outcome.FailedAgain => "failed again",
        Outcome.Delayed => "delayed",
        Outcome.Skipped => "skipped",
        Outcome.Taken => "taken, no word yet",
        Outcome.LeftQueue => "left the queue: this application does not report",
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

/// <summary>What the application reported about the outcome of a replayed message, with the package WorkinIt.DeadLetters.MassTransit.</summary>
public sealed record ReportedOutcome
{
    /// <summary>When, by the application's clock.</summary>
    public required DateTimeOffset At { get; init; }

    /// <summary>The type of the consumer, saga or activity; null if unknown or several.</summary>
    public string? Consumer { get; init; }

    /// <summary>The version of the application's assembly; null if unknown.</summary>
    public string? Version { get; init; }

    /// <summary>How long the try took, in milliseconds; null if unknown.</summary>
    public double? Milliseconds { get; init; }

    /// <summary>For a delayed message: when it comes back; null if unknown.</summary>
    public DateTimeOffset? Until { get; init; }

    /// <summary>The type of the exception; null if there was none.</summary>
    public string? ExceptionType { get; init; }

    /// <summary>The exception's text, cut to a few hundred characters. May contain personal data.</summary>
    public string? Reason { get; init; }

    /// <summary>Where and how long, as in <c>by Orders.PlaceOrderConsumer, version 2.4.0, in 12 ms</c>; empty if nothing is known.</summary>
    public override string ToString() => string.Join(", ", new[]
    {
        Consumer is { } consumer ? $"by {consumer}" : null,
        Version is { } version ? $"version {version}" : null,
        Milliseconds is { } time ? string.Create(CultureInfo.InvariantCulture, $"in {time:N0} ms") : null,
        Until is { } until ? $"until {until.UtcDateTime.ToString("u", CultureInfo.InvariantCulture)}" : null,
    }.OfType<string>());
}
