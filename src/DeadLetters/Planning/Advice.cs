namespace WorkinIt.DeadLetters;

/// <summary>
/// Adds what only the application knows: whether a message's work is already done, and the outcome of a replayed message. Without an
/// advisor, both are judged by what the broker shows.
/// </summary>
public interface IReplayAdvisor
{
    /// <summary>Judges messages before they are replayed.</summary>
    /// <param name="letters">The messages in queue order; up to a few hundred per call.</param>
    /// <param name="sendAgain">Whether to include messages with an unknown outcome, which may do their work twice.</param>
    /// <param name="cancellationToken">Cancels the operation.</param>
    /// <returns>One verdict for each message; null if the advisor has none.</returns>
    Task<IReadOnlyList<Verdict?>> JudgeAsync(IReadOnlyList<DeadLetter> letters, bool sendAgain, CancellationToken cancellationToken);

    /// <summary>Judges messages in the dry run of a discard.</summary>
    /// <param name="letters">The messages in queue order; up to a few hundred per call.</param>
    /// <param name="wasDone">Whether the operator states that their work was done: those for which <see cref="WasDoneAsync"/> can't record that are refused.</param>
    /// <param name="cancellationToken">Cancels the operation.</param>
    /// <returns>One verdict for each message; null if the advisor has none.</returns>
    Task<IReadOnlyList<Verdict?>> JudgeDiscardAsync(IReadOnlyList<DeadLetter> letters, bool wasDone, CancellationToken cancellationToken) =>
        Task.FromResult<IReadOnlyList<Verdict?>>(new Verdict?[letters.Count]);

    /// <summary>Judges an edit of a message: whether the application still recognizes the message by what the edit has changed.</summary>
    /// <param name="letter">The message before the edit.</param>
    /// <param name="edited">The message after the edit, as JSON.</param>
    /// <param name="cancellationToken">Cancels the operation.</param>
    /// <returns>A warning that replaces the one of <see cref="JudgeAsync"/>; null if there is none.</returns>
    Task<Verdict?> JudgeEditAsync(DeadLetter letter, string edited, CancellationToken cancellationToken) => Task.FromResult<Verdict?>(null);

    /// <summary>Reports the outcomes of replayed messages.</summary>
    /// <param name="replayed">The replayed messages; up to a few hundred per call.</param>
    /// <param name="cancellationToken">Cancels the operation.</param>
    /// <returns>One outcome for each message; null while it is unknown.</returns>
    Task<IReadOnlyList<Outcome?>> OutcomesAsync(IReadOnlyList<Replayed> replayed, CancellationToken cancellationToken);

    /// <summary>Records that a message's work was done after all. Called before the message is discarded.</summary>
    /// <param name="letter">The message.</param>
    /// <param name="by">The operator who confirms it.</param>
    /// <param name="cancellationToken">Cancels the operation.</param>
    /// <returns>Why it can't be recorded; null when it was recorded.</returns>
    Task<string?> WasDoneAsync(DeadLetter letter, string by, CancellationToken cancellationToken);

    /// <summary>Called after messages were discarded, so that the application can notify the users who wait for the result.</summary>
    /// <param name="letters">The messages, each as it was in its dead-letter queue; up to a few hundred per call.</param>
    /// <param name="cancellationToken">Cancels the operation.</param>
    /// <exception cref="DeadLetterException">The application could not be notified. The messages stay discarded.</exception>
    Task DiscardedAsync(IReadOnlyList<DeadLetter> letters, CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>Called after discarded messages were moved back to their dead-letter queue.</summary>
    /// <param name="letters">The messages, each as it was in its <c>_discarded</c> queue; up to a few hundred per call.</param>
    /// <param name="cancellationToken">Cancels the operation.</param>
    /// <exception cref="DeadLetterException">The application could not be notified. The messages stay restored.</exception>
    Task RestoredAsync(IReadOnlyList<DeadLetter> letters, CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>Describes a message that an operator searches for, wherever it is.</summary>
    /// <param name="messageId">The MessageId.</param>
    /// <param name="cancellationToken">Cancels the operation.</param>
    /// <returns>One sentence without personal data; null if the application has no record of the message.</returns>
    Task<string?> DescribeAsync(string messageId, CancellationToken cancellationToken) => Task.FromResult<string?>(null);
}

/// <summary>What a dry run says about one message.</summary>
/// <param name="Kind">Whether the message can be replayed, and whether there is a warning.</param>
/// <param name="Text">The reason, in a few words; empty when the message is ready.</param>
public sealed record Verdict(VerdictKind Kind, string Text)
{
    /// <summary>Ready to replay, without a warning.</summary>
    public static Verdict Good { get; } = new(VerdictKind.Good, "");

    /// <summary>State that the advisor keeps for a later call to <see cref="IReplayAdvisor.OutcomesAsync"/>.</summary>
    public object? Note { get; init; }
}

/// <summary>The kinds of verdicts.</summary>
public enum VerdictKind
{
    /// <summary>Ready to replay.</summary>
    Good,

    /// <summary>Can be replayed, with a warning.</summary>
    Warning,

    /// <summary>Not replayed: the message stays in the dead-letter queue.</summary>
    Refused,
}

/// <summary>A message that was replayed; in a dry run, one that would be replayed or discarded.</summary>
/// <param name="Id">The dead letter's id.</param>
/// <param name="MessageId">The MessageId; null if the message has none.</param>
/// <param name="ReplayId">The <c>Replay-Id</c> header that this replay set: the replay's id and the message's number in it. Empty for a discard.</param>
/// <param name="Verdict">The verdict before the replay.</param>
public sealed record Replayed(string Id, string? MessageId, string ReplayId, Verdict Verdict)
{
    /// <summary>The queue that the message was, or would be, moved to.</summary>
    public string Target { get; init; } = "";

    /// <summary>The outcome of the replay.</summary>
    public Outcome Outcome { get; init; } = Outcome.Waiting;

    /// <summary>The new dead letter, if the message failed again or was skipped; null if none was seen.</summary>
    public NewLetter? NewLetter { get; init; }

    /// <summary>What the application reported about this outcome; null if the outcome is known from elsewhere.</summary>
    public ReportedOutcome? Reported { get; init; }
}
