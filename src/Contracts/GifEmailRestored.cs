namespace WorkinIt.Contracts;

/// <summary>Event: an operator has moved a discarded dead letter back to its dead-letter queue, so it can be replayed.</summary>
/// <param name="SubmissionId">The submission.</param>
/// <param name="RestoredAt">When it was restored.</param>
public sealed record GifEmailRestored(Guid SubmissionId, DateTimeOffset RestoredAt);
