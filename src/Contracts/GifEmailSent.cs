namespace WorkinIt.Contracts;

/// <summary>Event: the mail server accepted the mail (it replied 2xx to the complete message), or an operator has confirmed that it arrived.</summary>
/// <param name="SubmissionId">The submission that was mailed.</param>
/// <param name="Attempt">The number of the try that sent it, from 1; never reset, so of two events, the higher number is the later one.</param>
/// <param name="SentAt">When the mail server replied; if an operator confirmed it, when a consumer began to send it.</param>
/// <param name="Gif">The GIF that was mailed: a name in the built-in collection, or an https URL at Giphy.</param>
/// <param name="ConfirmedByOperator">Whether no reply came, and an operator has confirmed that the mail arrived.</param>
public sealed record GifEmailSent(Guid SubmissionId, int Attempt, DateTimeOffset SentAt, string Gif, bool ConfirmedByOperator = false);
