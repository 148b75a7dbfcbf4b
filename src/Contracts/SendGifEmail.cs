namespace WorkinIt.Contracts;

/// <summary>Command: find a GIF for the thought and mail it, once.</summary>
/// <param name="SubmissionId">The submission: a version 7 UUID, which is also the MessageId. "Once" means once per SubmissionId.</param>
/// <param name="EmailAddress">One address without a display name. The domain may be internationalized.</param>
/// <param name="Thought">1 to 500 characters (Unicode code points), line breaks as LF.</param>
/// <param name="SubmittedAt">When the submission was accepted.</param>
public sealed record SendGifEmail(Guid SubmissionId, string EmailAddress, string Thought, DateTimeOffset SubmittedAt);
