namespace WorkinIt.Web.Submissions;

/// <summary>The state of a submission.</summary>
internal enum SubmissionState
{
    /// <summary>Stored; the broker has not confirmed it yet.</summary>
    Accepted,

    /// <summary>The broker has confirmed it: in the queue, or being processed.</summary>
    Queued,

    /// <summary>An attempt failed; waiting for the next one.</summary>
    Delayed,

    /// <summary>The mail server accepted the mail, or an operator confirmed that it arrived. Final.</summary>
    Sent,

    /// <summary>All attempts failed, and an operator can still fix and replay it; or the recipient has unsubscribed.</summary>
    Failed,

    /// <summary>Outcome unknown: the mail may have been sent. An operator decides.</summary>
    Held,
}

/// <summary>The stored state of a submission.</summary>
/// <param name="Id">The id.</param>
/// <param name="State">The state.</param>
/// <param name="Attempt">The number of the last attempt that an event reported; 0 before.</param>
/// <param name="AcceptedAt">When it was stored.</param>
/// <param name="SentAt">When the mail server accepted the mail; null before, and if an operator confirmed that it arrived.</param>
/// <param name="NextTryAt">The time of the next attempt while it is delayed; null otherwise.</param>
/// <param name="Gif">The GIF that was mailed: the reference of a built-in GIF or an https URL; null before.</param>
/// <param name="BlockedAt">When it ended because the recipient has unsubscribed; null otherwise.</param>
/// <param name="DiscardedAt">When an operator discarded its dead letter; null otherwise, and after it was restored or tried again.</param>
internal sealed record Submission(
    Guid Id, SubmissionState State, int Attempt, DateTimeOffset AcceptedAt, DateTimeOffset? SentAt, DateTimeOffset? NextTryAt, string? Gif, DateTimeOffset? BlockedAt = null,
    DateTimeOffset? DiscardedAt = null);
