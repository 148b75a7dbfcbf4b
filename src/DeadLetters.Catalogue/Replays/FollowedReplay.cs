namespace WorkinIt.DeadLetters.Catalogue.Replays;

/// <summary>A replayed message as the catalogue knows it.</summary>
/// <param name="Message">The message, with its outcome now. The reason is not masked.</param>
/// <param name="At">When the outcome was observed; when the message was moved, if it is not known.</param>
internal sealed record FollowedReplay(Replayed Message, DateTimeOffset At);

/// <summary>The messages of an operation, as the catalogue knows them.</summary>
/// <param name="Counts">The outcomes of all of them.</param>
/// <param name="Total">How many there are.</param>
/// <param name="Listed">Some of them; those that failed again or were skipped come first.</param>
internal sealed record FollowedOperation(OutcomeCounts Counts, long Total, IReadOnlyList<FollowedReplay> Listed);
