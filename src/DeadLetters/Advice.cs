namespace WorkinIt.DeadLetters;

/// <summary>
/// What only the application knows: whether a message's work was done already, and what became of a replayed one. Without an
/// advisor, both are judged by what the broker shows.
/// </summary>
public interface IReplayAdvisor
{
    /// <summary>Judges messages before they are replayed.</summary>
    /// <param name="letters">In their order; up to some hundred at once.</param>
    /// <param name="sendAgain">Whether the operator wants those with an unknown outcome done again.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <returns>One for each; null where the advisor has nothing to say.</returns>
    Task<IReadOnlyList<Verdict?>> JudgeAsync(IReadOnlyList<DeadLetter> letters, bool sendAgain, CancellationToken cancellationToken);

    /// <summary>Tells what became of replayed messages.</summary>
    /// <param name="replayed">Up to some hundred at once.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <returns>One for each; null while it is not known.</returns>
    Task<IReadOnlyList<Outcome?>> OutcomesAsync(IReadOnlyList<Replayed> replayed, CancellationToken cancellationToken);

    /// <summary>Writes down that a message's work was done after all, before the message is discarded.</summary>
    /// <param name="letter">The message.</param>
    /// <param name="by">The person who says so.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <returns>Why it can't be; null when it is written.</returns>
    Task<string?> WasDoneAsync(DeadLetter letter, string by, CancellationToken cancellationToken);

    /// <summary>Called after messages were discarded, so that the application can say so to those who wait for their result.</summary>
    /// <param name="letters">The messages, each as it was in its dead-letter queue; up to some hundred at once.</param>
    /// <param name="cancellationToken">Cancels the call.</param>
    /// <exception cref="DeadLetterException">The application could not be notified. The messages stay discarded.</exception>
    Task DiscardedAsync(IReadOnlyList<DeadLetter> letters, CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>Called after discarded messages were moved back to their dead-letter queue.</summary>
    /// <param name="letters">The messages, each as it was in the queue of the discarded; up to some hundred at once.</param>
    /// <param name="cancellationToken">Cancels the call.</param>
    /// <exception cref="DeadLetterException">The application could not be notified. The messages stay restored.</exception>
    Task RestoredAsync(IReadOnlyList<DeadLetter> letters, CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>Tells what is known of a message that somebody looks for, wherever it is.</summary>
    /// <param name="messageId">Its id.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <returns>One sentence without personal data; null where nothing is known.</returns>
    Task<string?> DescribeAsync(string messageId, CancellationToken cancellationToken) => Task.FromResult<string?>(null);
}

/// <summary>What is to be expected of a replay.</summary>
/// <param name="Kind">Whether it goes, and whether there is something to know first.</param>
/// <param name="Text">In a few words; empty when all is well.</param>
public sealed record Verdict(VerdictKind Kind, string Text)
{
    /// <summary>Nothing speaks against it.</summary>
    public static Verdict Good { get; } = new(VerdictKind.Good, "");

    /// <summary>What the advisor noted, for its later answer about the outcome.</summary>
    public object? Note { get; init; }
}

/// <summary>The kinds of verdicts.</summary>
public enum VerdictKind
{
    /// <summary>Nothing speaks against it.</summary>
    Good,

    /// <summary>It can be replayed, and there is something to know.</summary>
    Warning,

    /// <summary>It is left where it is.</summary>
    Refused,
}

/// <summary>A message that was replayed.</summary>
/// <param name="Id">The dead letter's id.</param>
/// <param name="MessageId">Its MessageId; null where it has none.</param>
/// <param name="ReplayId">The stamp of this replay on this message.</param>
/// <param name="Verdict">What was expected.</param>
public sealed record Replayed(string Id, string? MessageId, string ReplayId, Verdict Verdict)
{
    /// <summary>The queue that it goes to.</summary>
    public string Target { get; init; } = "";

    /// <summary>What became of it.</summary>
    public Outcome Outcome { get; init; } = Outcome.Waiting;

    /// <summary>Where it failed again or was skipped: its new dead letter; null where none was seen.</summary>
    public NewLetter? NewLetter { get; init; }
}
