namespace WorkinIt.Deliveries;

/// <summary>The state of a submission's mail.</summary>
public enum DeliveryState
{
    /// <summary>Not sent; any consumer may try to send it.</summary>
    NotSent,

    /// <summary>A consumer is sending it, until its lease expires.</summary>
    Sending,

    /// <summary>The mail server accepted it, or an operator confirmed that it arrived. Final.</summary>
    Sent,

    /// <summary>It may have been sent. Only an operator may decide to send it again.</summary>
    Unknown,

    /// <summary>Not sent, because the recipient has unsubscribed. It may be tried again if the recipient changes that.</summary>
    Blocked,
}

/// <summary>One row of the ledger. It contains neither the address nor the thought.</summary>
/// <param name="SubmissionId">The submission.</param>
/// <param name="State">The state of the mail.</param>
/// <param name="Attempt">Tries so far; never reset.</param>
/// <param name="Owner">The process that last took the delivery.</param>
/// <param name="TakenAt">When that process took it.</param>
/// <param name="LeaseUntil">When that process's lease expires.</param>
/// <param name="SentAt">When the server accepted the mail; null before, and if no reply came and an operator confirmed that it arrived.</param>
/// <param name="Gif">The GIF of the last try.</param>
/// <param name="Detail">The server's reply, the reason why it was not sent, or the evidence for an unknown outcome.</param>
/// <param name="InFlight">
/// For a message that came back from a process that died: how often its processing has started since without ending. Otherwise 0.
/// </param>
/// <param name="WasReleased">Whether an operator had it sent again although an earlier try has an unknown outcome.</param>
public sealed record Delivery(
    Guid SubmissionId, DeliveryState State, int Attempt, string? Owner, DateTimeOffset? TakenAt, DateTimeOffset? LeaseUntil,
    DateTimeOffset? SentAt, string? Gif, string? Detail, int InFlight, bool WasReleased = false)
{
    private const string PutOff = "Delayed without a try in replay ";

    /// <summary>Whether the message of a replay is delayed without a try. The record of a later try replaces this.</summary>
    public bool IsPutOff => Detail?.StartsWith(PutOff, StringComparison.Ordinal) == true;

    /// <summary>Like <see cref="IsPutOff"/>, of one replay.</summary>
    /// <param name="replayId">The replay.</param>
    public bool IsPutOffIn(string replayId) => Detail?.StartsWith(PutOffMark(replayId), StringComparison.Ordinal) == true;

    /// <summary>How <see cref="Detail"/> begins then; the reason follows.</summary>
    /// <param name="replayId">The replay.</param>
    internal static string PutOffMark(string replayId) => $"{PutOff}{replayId}: ";
}
