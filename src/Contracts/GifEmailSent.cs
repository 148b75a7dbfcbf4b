namespace WorkinIt.Contracts;

/// <summary>Event: the mail server has taken the mail over (it answered 250 to the whole message).</summary>
/// <param name="SubmissionId">The submission that was mailed.</param>
/// <param name="Attempt">The number of the try that did it, from 1; it is never reset, so of two events the higher one is the later.</param>
/// <param name="SentAt">When the mail server answered.</param>
/// <param name="Gif">The GIF that was mailed: a name in the built-in collection, or an https URL at Giphy.</param>
public sealed record GifEmailSent(Guid SubmissionId, int Attempt, DateTimeOffset SentAt, string Gif);
