namespace WorkinIt.Consumers.GifEmails;

/// <summary>What became of a delivery.</summary>
internal abstract record DeliveryResult
{
    private DeliveryResult()
    {
    }

    /// <summary>The mail server accepted the mail, now or before.</summary>
    /// <param name="Attempt">The number of the try, from 1.</param>
    /// <param name="At">When the server accepted it.</param>
    /// <param name="Gif">The GIF's reference.</param>
    /// <param name="ConfirmedByOperator">Whether no reply came, and an operator has confirmed that the mail arrived.</param>
    internal sealed record Sent(int Attempt, DateTimeOffset At, string Gif, bool ConfirmedByOperator = false) : DeliveryResult;

    /// <summary>Not sent: the recipient has unsubscribed.</summary>
    /// <param name="Attempt">The number of the try, from 1.</param>
    /// <param name="At">When that was seen.</param>
    internal sealed record Blocked(int Attempt, DateTimeOffset At) : DeliveryResult;

    /// <summary>Not sent, and a later try may succeed.</summary>
    /// <param name="Reason">Why.</param>
    /// <param name="Attempt">The number of the last try, 0 if there was none; null if another consumer is processing the submission.</param>
    internal sealed record TryLater(Exception Reason, int? Attempt) : DeliveryResult;

    /// <summary>The mail may have been sent. It is not sent again until an operator decides so.</summary>
    /// <param name="Attempt">The number of the try, from 1.</param>
    /// <param name="Evidence">The details, without personal data.</param>
    internal sealed record Held(int Attempt, string Evidence) : DeliveryResult;

    /// <summary>Not sent, and no retry will succeed.</summary>
    /// <param name="Reason">Why.</param>
    /// <param name="Attempt">The number of the try, from 1; null if the message is incomplete, which is not a try.</param>
    internal sealed record Failed(Exception Reason, int? Attempt) : DeliveryResult;
}
