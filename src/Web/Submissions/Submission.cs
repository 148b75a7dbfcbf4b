namespace WorkinIt.Web.Submissions;

/// <summary>How far a submission is.</summary>
internal enum SubmissionState
{
    /// <summary>Committed here; the broker has not confirmed it yet.</summary>
    Accepted,

    /// <summary>It stands in the queue.</summary>
    Queued,

    /// <summary>A try failed; it waits for the next one.</summary>
    Delayed,

    /// <summary>The mail server took the mail. Final.</summary>
    Sent,

    /// <summary>All tries failed, and an operator may still mend and replay it; or its recipient does not want to be mailed.</summary>
    Failed,

    /// <summary>It may have been sent; an operator decides.</summary>
    Held,
}

/// <summary>A submission as the store knows it.</summary>
/// <param name="Id">Its id.</param>
/// <param name="State">How far it is.</param>
/// <param name="Attempt">The number of the last try that is known here.</param>
/// <param name="AcceptedAt">When it was committed.</param>
/// <param name="SentAt">When the mail server took the mail.</param>
/// <param name="NextTryAt">While it is delayed, when it is tried again.</param>
/// <param name="Gif">What was mailed.</param>
/// <param name="BlockedAt">Of a failed one whose recipient does not want to be mailed: when it ended.</param>
/// <param name="DiscardedAt">When an operator discarded its dead letter; null where that was restored, or tried again.</param>
internal sealed record Submission(
    Guid Id, SubmissionState State, int Attempt, DateTimeOffset AcceptedAt, DateTimeOffset? SentAt, DateTimeOffset? NextTryAt, string? Gif, DateTimeOffset? BlockedAt = null,
    DateTimeOffset? DiscardedAt = null);
