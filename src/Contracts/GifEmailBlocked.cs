namespace WorkinIt.Contracts;

/// <summary>Event: the mail was not sent and is not tried again, because the recipient is on the suppression list.</summary>
/// <param name="SubmissionId">The submission.</param>
/// <param name="Attempt">The number of the try that ended this way, from 1; never reset.</param>
/// <param name="BlockedAt">When the try ended.</param>
public sealed record GifEmailBlocked(Guid SubmissionId, int Attempt, DateTimeOffset BlockedAt);
