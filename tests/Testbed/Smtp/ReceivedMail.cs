namespace WorkinIt.Testbed;

/// <summary>A mail that the server has read to its final dot.</summary>
public sealed class ReceivedMail
{
    internal ReceivedMail(string messageId, string sender, IReadOnlyList<string> recipients, int connection, byte[] content) =>
        (MessageId, Sender, Recipients, Connection, Content) = (messageId, sender, recipients, connection, content);

    /// <summary>The header without its angle brackets; empty where the mail has none.</summary>
    public string MessageId { get; }

    /// <summary>Of the envelope.</summary>
    public string Sender { get; }

    /// <summary>Of the envelope: the first one.</summary>
    public string Recipient => Recipients[0];

    /// <summary>Of the envelope: all of them.</summary>
    public IReadOnlyList<string> Recipients { get; }

    /// <summary>The number of the connection it came over, from 1.</summary>
    public int Connection { get; }

    /// <summary>When its final dot was read.</summary>
    public DateTimeOffset ReceivedAt { get; } = DateTimeOffset.UtcNow;

    /// <summary>What came after <c>DATA</c>, without the dots that SMTP adds; empty unless <see cref="SmtpServerOptions.KeepContent"/>.</summary>
    public ReadOnlyMemory<byte> Content { get; }
}
