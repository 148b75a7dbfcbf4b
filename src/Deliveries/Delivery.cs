namespace WorkinIt.Deliveries;

/// <summary>What is known of a submission's mail.</summary>
public enum DeliveryState
{
    /// <summary>It was not sent, and is free to be tried.</summary>
    NotSent,

    /// <summary>Somebody is at it, until the lease runs out.</summary>
    Sending,

    /// <summary>The mail server took it: it said 250. Final.</summary>
    Sent,

    /// <summary>It may have been sent: only a person may decide to send again.</summary>
    Unknown,

    /// <summary>It was not sent, for its recipient does not want to be mailed; free to be tried, should they think better of it.</summary>
    Blocked,
}

/// <summary>One row of the ledger. It holds no address and no thought.</summary>
/// <param name="SubmissionId">The submission.</param>
/// <param name="State">What is known.</param>
/// <param name="Attempt">Tries so far; never reset.</param>
/// <param name="Owner">The process that took it last.</param>
/// <param name="TakenAt">When it did.</param>
/// <param name="LeaseUntil">Until when it may be at it.</param>
/// <param name="SentAt">When the server said 250.</param>
/// <param name="Gif">The GIF of the last try.</param>
/// <param name="Detail">The server's reply, why it was not sent, or the evidence.</param>
/// <param name="InFlight">Set for what came back from a process that died: how often it was taken since without an end.</param>
public sealed record Delivery(
    Guid SubmissionId, DeliveryState State, int Attempt, string? Owner, DateTimeOffset? TakenAt, DateTimeOffset? LeaseUntil,
    DateTimeOffset? SentAt, string? Gif, string? Detail, int InFlight);
