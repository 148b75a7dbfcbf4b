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

    /// <summary>How the names of dead-letter queues end.</summary>
    public IReadOnlyList<string> Suffixes { get; init; } = ["_error", "_skipped", "_discarded"];

    /// <summary>How long a discarded message is kept.</summary>
    public TimeSpan DiscardedLife { get; init; } = TimeSpan.FromDays(30);

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
        var scheme = connection.IndexOf("://", StringComparison.Ordinal);
        var at = connection.LastIndexOf('@');
        if (scheme < 0 || at < scheme)
            throw new FormatException(form);
        var slash = connection.IndexOf('/', at);
        var (before, hosts, after) = (connection[..(at + 1)], connection[(at + 1)..(slash < 0 ? connection.Length : slash)], slash < 0 ? "" : connection[slash..]);
        try
        {
            var nodes = hosts.Split(',', StringSplitOptions.TrimEntries).Select(host => new ConnectionFactory { Uri = new Uri(before + host + (after == "/" ? "" : after)) }).ToList();
            return new DeadLetterOptions
            {
                Endpoints = [.. nodes.Select(node => new AmqpTcpEndpoint(node.HostName, node.Port, new SslOption(node.HostName, enabled: node.Ssl.Enabled)
                {
                    CertificateValidationCallback = ServerCertificate.Check,
                }))],
                Username = nodes[0].UserName,
                Password = nodes[0].Password,
                VirtualHost = nodes[0].VirtualHost,
                Management = management,
            };
        }
        catch (Exception e) when (e is UriFormatException or ArgumentException)
        {
            throw new FormatException(form);
        }
    }

    /// <summary>Opens a connection; it does not recover by itself.</summary>
    /// <param name="name">Shown in the management UI.</param>
    /// <param name="cancellationToken">Ends the attempt.</param>
    /// <exception cref="DeadLetterException">The broker is out of reach, or refuses the user.</exception>
    public Task<IConnection> ConnectAsync(string name, CancellationToken cancellationToken) => BrokerConnection.OpenAsync(this, name, cancellationToken);
}
