using RabbitMQ.Client;
using WorkinIt.Messaging;

namespace WorkinIt.DeadLetters;

/// <summary>The address of the broker, the credentials, and the settings of the client.</summary>
public sealed record DeadLetterOptions
{
    /// <summary>The broker's nodes, tried in turn.</summary>
    public required IReadOnlyList<AmqpTcpEndpoint> Endpoints { get; init; }

    /// <summary>The RabbitMQ user.</summary>
    public required string Username { get; init; }

    /// <summary>The RabbitMQ user's password.</summary>
    public required string Password { get; init; }

    /// <summary>The virtual host.</summary>
    public string VirtualHost { get; init; } = "/";

    /// <summary>The name of this virtual host among several that one application acts on; null: it acts on one. The audit log records it.</summary>
    public string? Source { get; init; }

    /// <summary>The management API, as in <c>http://localhost:15672</c>. It lists the queues. The same user needs access to it (tag <c>management</c>).</summary>
    public required Uri Management { get; init; }

    /// <summary>The names of the dead-letter queues: MassTransit's names, and optional patterns.</summary>
    public DeadLetterQueueNames Names { get; init; } = DeadLetterQueueNames.Usual;

    /// <summary>How long a discarded message is kept by default: 30 days.</summary>
    public static TimeSpan UsualDiscardedLife { get; } = TimeSpan.FromDays(30);

    /// <summary>The longest message expiration that the broker accepts: 2^32 - 1 milliseconds, 49 days.</summary>
    public static TimeSpan LongestDiscardedLife { get; } = TimeSpan.FromMilliseconds(uint.MaxValue);

    /// <summary>How long a discarded message is kept; at most <see cref="LongestDiscardedLife"/>.</summary>
    public TimeSpan DiscardedLife { get; init; } = UsualDiscardedLife;

    /// <summary>How long the pages let a replay wait for outcomes after its last message, or half a minute at most after a cancel. More than zero.</summary>
    public TimeSpan OutcomeWait { get; init; } = TimeSpan.FromMinutes(1);

    /// <summary>How long to wait for an answer from the broker, for instance a publisher confirm.</summary>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>How many messages may be published and not confirmed yet. If the process is killed, up to this many may be published a second time.</summary>
    public int Outstanding { get; init; } = 256;

    /// <summary>Parses a RabbitMQ connection string. The management API is expected on the first host, at port 15672, or 15671 with TLS.</summary>
    /// <param name="connection"><c>amqp://user:password@host:5672/vhost</c>; <c>amqps</c> for TLS; separate the hosts of a cluster by commas.</param>
    /// <exception cref="FormatException">The connection string is invalid; the message shows the required form and contains no password.</exception>
    public static DeadLetterOptions Parse(string connection)
    {
        var broker = Parse(connection, new Uri("http://localhost:15672"));
        var node = broker.Endpoints[0];
        return broker with { Management = (node.Ssl.Enabled ? new UriBuilder("https", node.HostName, 15671) : new UriBuilder("http", node.HostName, 15672)).Uri };
    }

    /// <summary>Parses a RabbitMQ connection string.</summary>
    /// <param name="connection"><c>amqp://user:password@host:5672/vhost</c>; <c>amqps</c> for TLS; separate the hosts of a cluster by commas.</param>
    /// <param name="management">The management API.</param>
    /// <exception cref="FormatException">The connection string is invalid; the message shows the required form and contains no password.</exception>
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
        // Don't parse the connection string with Uri: it ends the authority at a "#" or "?" in the password.
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

    /// <summary>Opens a connection. It does not recover automatically.</summary>
    /// <param name="name">The connection's name, shown in the management UI.</param>
    /// <param name="cancellationToken">Cancels the attempt.</param>
    /// <exception cref="DeadLetterException">The broker is unreachable, or refuses the user.</exception>
    public Task<IConnection> ConnectAsync(string name, CancellationToken cancellationToken) => BrokerConnection.OpenAsync(this, name, cancellationToken);
}
