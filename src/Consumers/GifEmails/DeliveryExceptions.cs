using WorkinIt.Contracts;

namespace WorkinIt.Consumers.GifEmails;

/// <summary>
/// Nobody knows whether this mail was sent. It is dead-lettered with the evidence and not sent again before an operator says so.
/// </summary>
internal sealed class DeliveryHeldException : Exception
{
    public DeliveryHeldException(string evidence)
        : base($"Held, for it may have been sent already: {evidence}") =>
        Data[FaultData.Held] = true;
}

/// <summary>Another consumer has it in hand: a duplicate, or the message of one that died a moment ago.</summary>
/// <param name="until">When that consumer's lease ends.</param>
internal sealed class DeliveryInFlightException(DateTimeOffset? until)
    : Exception("Another consumer has this submission in hand")
{
    public DateTimeOffset? Until { get; } = until;
}

/// <summary>The ledger did not say whether the delivery was taken, so the mail was not handed over.</summary>
/// <param name="reason">The failure's type.</param>
internal sealed class DeliveryNotTakenException(string reason)
    : Exception($"The ledger did not confirm that the delivery may begin ({reason}), so nothing was sent: check ConnectionStrings__Deliveries and the database");

/// <summary>
/// It was in flight, alone, at several deaths of its process. It becomes a dead letter now, with this reason, and not by the broker at its next return.
/// </summary>
internal sealed class PoisonException : Exception
{
    public PoisonException(long returns, int? attempt)
        : base($"The process that handled this message alone died {returns} times: find out why before it is replayed")
    {
        if (attempt is { } number)
            Data[FaultData.Attempt] = number;
    }
}

/// <summary>A field of the message is missing, after an edit with a name typed wrong for instance: no try will mend that.</summary>
internal sealed class CommandIncompleteException(string field) : Exception($"The message has no {field}: edit it, or discard it")
{
    /// <exception cref="CommandIncompleteException">One is missing.</exception>
    public static void ThrowIfIncomplete(SendGifEmail command)
    {
        if (command.SubmissionId == Guid.Empty)
            throw new CommandIncompleteException("submissionId");
        if (string.IsNullOrWhiteSpace(command.EmailAddress))
            throw new CommandIncompleteException("emailAddress");
        if (string.IsNullOrWhiteSpace(command.Thought))
            throw new CommandIncompleteException("thought");
    }
}
