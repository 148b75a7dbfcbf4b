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
internal sealed class DeliveryInHandException(DateTimeOffset? until)
    : Exception("Another consumer has this submission in hand")
{
    public DateTimeOffset? Until { get; } = until;
}
