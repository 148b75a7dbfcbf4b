namespace WorkinIt.Contracts;

/// <summary>Command: find a GIF about the thought and mail it, once.</summary>
/// <param name="SubmissionId">The submission; a version 7 UUID, which is the MessageId too. It is what "once" is counted by.</param>
/// <param name="EmailAddress">One bare address: no display name; the domain may be international.</param>
/// <param name="Thought">1 to 500 characters (Unicode code points), line breaks as LF.</param>
/// <param name="SubmittedAt">When the submission was accepted.</param>
public sealed record SendGifEmail(Guid SubmissionId, string EmailAddress, string Thought, DateTimeOffset SubmittedAt);
