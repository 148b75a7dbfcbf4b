namespace WorkinIt.Contracts;

/// <summary>Event: not sent, and not tried again, for the recipient does not want to be mailed.</summary>
/// <param name="SubmissionId">The submission.</param>
/// <param name="Attempt">The number of the try that ended like this, from 1; never reset.</param>
/// <param name="BlockedAt">When.</param>
public sealed record GifEmailBlocked(Guid SubmissionId, int Attempt, DateTimeOffset BlockedAt);
