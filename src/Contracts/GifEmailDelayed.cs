namespace WorkinIt.Contracts;

/// <summary>Event: the mail was not sent yet. It waits in a delay queue and is tried again.</summary>
/// <param name="SubmissionId">The submission.</param>
/// <param name="Attempt">The number of the try that failed, from 1; never reset.</param>
/// <param name="NextTryAt">When it is tried again.</param>
public sealed record GifEmailDelayed(Guid SubmissionId, int Attempt, DateTimeOffset NextTryAt);
