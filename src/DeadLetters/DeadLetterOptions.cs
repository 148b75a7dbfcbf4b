using RabbitMQ.Client;
using WorkinIt.Messaging;

namespace WorkinIt.DeadLetters;

/// <summary>Where the broker is, and as whom to act on it.</summary>
public sealed record DeadLetterOptions
{
    /// <summary>The nodes of the broker, tried in turn.</summary>
    public required IReadOnlyList<AmqpTcpEndpoint> Endpoints { get; init; }

    /// <summary>The RabbitMQ user.</summary>
    public required string Username { get; init; }

    /// <summary>Its password.</summary>
    public required string Password { get; init; }

    /// <summary>The virtual host.</summary>
    public string VirtualHost { get; init; } = "/";

    /// <summary>The management API, as in <c>http://localhost:15672</c>: it tells which queues there are. The same user must be able to sign in there (tag <c>monitoring</c>).</summary>
    public required Uri Management { get; init; }

    /// <summary>How the dead-letter queues are named: as MassTransit names them, and by patterns beside that.</summary>
    public DeadLetterQueueNames Names { get; init; } = DeadLetterQueueNames.Usual;

    /// <summary>How long a discarded message is kept, unless told: 30 days.</summary>
    public static TimeSpan UsualDiscardedLife { get; } = TimeSpan.FromDays(30);

    /// <summary>The longest that the broker takes for a message's expiration: 2^32 - 1 milliseconds, 49 days.</summary>
    public static TimeSpan LongestDiscardedLife { get; } = TimeSpan.FromMilliseconds(uint.MaxValue);

    /// <summary>How long a discarded message is kept; at most <see cref="LongestDiscardedLife"/>.</summary>
    public TimeSpan DiscardedLife { get; init; } = UsualDiscardedLife;

    /// <summary>How long to wait for an answer of the broker, a publisher confirm for instance.</summary>
    public TimeSpan Patience { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>How many messages may be published and not confirmed yet. After a sudden death so many may be published once more.</summary>
    public int Outstanding { get; init; } = 256;

    /// <summary>Reads the connection string of RabbitMQ.</summary>
    /// <param name="connection"><c>amqp://user:password@host:5672/vhost</c>; amqps for TLS, the hosts of a cluster separated by commas.</param>
    /// <param name="management">The management API.</param>
    /// <exception cref="FormatException">It is none; the message says what it must look like and holds no password.</exception>
    public static DeadLetterOptions Parse(string connection, Uri management)
    {
        const string form = "it must read amqp://user:password@host:5672/vhost (amqps:// for TLS, several hosts separated by commas)";
        var tls = connection.StartsWith("amqps://", StringComparison.OrdinalIgnoreCase);
        if (!tls && !connection.StartsWith("amqp://", StringComparison.OrdinalIgnoreCase))
            throw new FormatException(form);
        var rest = connection[(tls ? "amqps://" : "amqp://").Length..];
        var slash = rest.IndexOf('/', StringComparison.Ordinal);
        var authority = slash < 0 ? rest : rest[..slash];
        var at = authority.LastIndexOf('@');
        // Not by a Uri as a whole: it takes "#" and "?" in a password for the beginning of something else.
        if ((at < 0 ? [] : authority[..at].Split(':', 2)) is not [{ Length: > 0 } user, { Length: > 0 } password])
            throw new FormatException(form);
        return new DeadLetterOptions
        {
            Endpoints = [.. authority[(at + 1)..].Split(',', StringSplitOptions.TrimEntries).Select(host =>
                Uri.TryCreate($"amqp://{host}", UriKind.Absolute, out var node) && node.Host.Length > 0
                    ? new AmqpTcpEndpoint(node.Host, node.Port > 0 ? node.Port : tls ? 5671 : 5672, new SslOption(node.Host, enabled: tls)
                    {
                        CertificateValidationCallback = ServerCertificate.Check,
                    })
                    : throw new FormatException(form))],
            Username = Uri.UnescapeDataString(user),
            Password = Uri.UnescapeDataString(password),
            VirtualHost = slash < 0 || slash == rest.Length - 1 ? "/" : Uri.UnescapeDataString(rest[(slash + 1)..]),
            Management = management,
        };
    }

    /// <summary>Opens a connection; it does not recover by itself.</summary>
    /// <param name="name">Shown in the management UI.</param>
    /// <param name="cancellationToken">Ends the attempt.</param>
    /// <exception cref="DeadLetterException">The broker is out of reach, or refuses the user.</exception>
    public Task<IConnection> ConnectAsync(string name, CancellationToken cancellationToken) => BrokerConnection.OpenAsync(this, name, cancellationToken);
}
