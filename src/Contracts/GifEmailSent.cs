namespace WorkinIt.Contracts;

/// <summary>Event: the mail server accepted the mail (it replied 250 to the complete message).</summary>
/// <param name="SubmissionId">The submission that was mailed.</param>
/// <param name="Attempt">The number of the try that sent it, from 1; never reset, so of two events, the higher number is the later one.</param>
/// <param name="SentAt">When the mail server replied.</param>
/// <param name="Gif">The GIF that was mailed: a name in the built-in collection, or an https URL at Giphy.</param>
public sealed record GifEmailSent(Guid SubmissionId, int Attempt, DateTimeOffset SentAt, string Gif);
