namespace WorkinIt.Testbed;

/// <summary>A mail that the server has read to its final dot.</summary>
public sealed class ReceivedMail
{
    internal ReceivedMail(string messageId, string sender, IReadOnlyList<string> recipients, int connection, byte[] content) =>
        (MessageId, Sender, Recipients, Connection, Content) = (messageId, sender, recipients, connection, content);

    /// <summary>The Message-ID header without its angle brackets; empty if the mail has none.</summary>
    public string MessageId { get; }

    /// <summary>The envelope sender.</summary>
    public string Sender { get; }

    /// <summary>The first envelope recipient.</summary>
    public string Recipient => Recipients[0];

    /// <summary>All envelope recipients.</summary>
    public IReadOnlyList<string> Recipients { get; }

    /// <summary>The number of the connection that delivered it, from 1.</summary>
    public int Connection { get; }

    /// <summary>The time when its final dot was read.</summary>
    public DateTimeOffset ReceivedAt { get; } = DateTimeOffset.UtcNow;

    /// <summary>The bytes after <c>DATA</c>, without dot stuffing; empty unless <see cref="SmtpServerOptions.KeepContent"/> is set.</summary>
    public ReadOnlyMemory<byte> Content { get; }
}
