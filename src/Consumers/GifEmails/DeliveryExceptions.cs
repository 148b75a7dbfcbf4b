using WorkinIt.Contracts;

namespace WorkinIt.Consumers.GifEmails;

/// <summary>
/// It is unknown whether this mail was sent. The message is dead-lettered with the evidence, and is not sent again until an operator decides so.
/// </summary>
internal sealed class DeliveryHeldException : Exception
{
    public DeliveryHeldException(string evidence)
        : base($"Held because it may already have been sent: {evidence}") =>
        Data[FaultData.Held] = true;
}

/// <summary>Another consumer is processing the submission: this is a duplicate, or the message of a consumer that died a moment ago.</summary>
/// <param name="until">When that consumer's lease ends.</param>
internal sealed class DeliveryInFlightException(DateTimeOffset? until)
    : Exception("Another consumer is processing this submission")
{
    public DateTimeOffset? Until { get; } = until;
}

/// <summary>The ledger did not confirm that this process took the delivery, so the mail was not handed to the mail server.</summary>
/// <param name="reason">The failure's type.</param>
internal sealed class DeliveryNotTakenException(string reason)
    : Exception($"The ledger did not confirm that the delivery may begin ({reason}), so nothing was sent: check ConnectionStrings__Deliveries and the database");

/// <summary>
/// The process died several times while this message was the only one in flight. It becomes a dead letter now, with this reason, before the
/// broker would dead-letter it at its next return.
/// </summary>
internal sealed class PoisonException : Exception
{
    public PoisonException(long returns, int? attempt)
        : base($"The process died {returns} times while it handled only this message: find the cause before you replay it")
    {
        if (attempt is { } number)
            Data[FaultData.Attempt] = number;
    }
}

/// <summary>A field of the message is missing, for example after an edit that misspelled its name. A retry can't fix that.</summary>
internal sealed class CommandIncompleteException(string field) : Exception($"The message has no {field}: edit it, or discard it");
