namespace WorkinIt.Contracts;

/// <summary>Event: an operator has discarded the dead letter of a submission, so it is not tried again.</summary>
/// <param name="SubmissionId">The submission.</param>
/// <param name="DiscardedAt">When it was discarded.</param>
public sealed record GifEmailDiscarded(Guid SubmissionId, DateTimeOffset DiscardedAt);
