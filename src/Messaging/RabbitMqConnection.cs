using System.Diagnostics.CodeAnalysis;
using RabbitMQ.Client;

namespace WorkinIt.Messaging;

/// <summary>
/// The connection settings for RabbitMQ, parsed from one URI: <c>amqp://user:password@host:5672/vhost</c>, or <c>amqps://</c> for TLS.
/// A cluster is several hosts, separated by commas: <c>amqps://user:password@a:5671,b:5671/vhost</c>.
/// </summary>
/// <param name="Tls">Whether the connection is encrypted and the server's certificate checked.</param>
/// <param name="Username">The RabbitMQ user.</param>
/// <param name="Password">Its password.</param>
/// <param name="Nodes">At least one node, tried in turn.</param>
/// <param name="VirtualHost"><c>/</c> unless the URI has a path.</param>
public sealed record RabbitMqConnection(
    bool Tls, string Username, string Password, IReadOnlyList<RabbitMqNode> Nodes, string VirtualHost)
{
    private const int PlainPort = 5672;
    private const int TlsPort = 5671;

    /// <summary>Reads a connection string.</summary>
    /// <param name="text">The URI.</param>
    /// <param name="connection">The connection, if the text is valid.</param>
    /// <param name="error">What is wrong with the text; never contains the password.</param>
    public static bool TryParse(
        string? text, [NotNullWhen(true)] out RabbitMqConnection? connection, [NotNullWhen(false)] out string? error)
    {
        connection = null;
        error = "it must have the form amqp://user:password@host:5672/vhost (amqps:// for TLS, several hosts separated by commas)";

        var (tls, rest) = text switch
        {
            not null when text.StartsWith("amqp://", StringComparison.OrdinalIgnoreCase) => (false, text[7..]),
            not null when text.StartsWith("amqps://", StringComparison.OrdinalIgnoreCase) => (true, text[8..]),
            _ => (false, null),
        };
        if (rest is null)
            return false;

        var slash = rest.IndexOf('/', StringComparison.Ordinal);
        var authority = slash < 0 ? rest : rest[..slash];
        var virtualHost = slash < 0 || slash == rest.Length - 1 ? "/" : Uri.UnescapeDataString(rest[(slash + 1)..]);

        var at = authority.LastIndexOf('@');
        var credentials = at < 0 ? [] : authority[..at].Split(':', 2);
        if (credentials is not [{ Length: > 0 } user, { Length: > 0 } password])
        {
            error = "the user or the password is missing: amqp://user:password@host:5672/vhost";
            return false;
        }

        var nodes = new List<RabbitMqNode>();
        foreach (var host in authority[(at + 1)..].Split(',', StringSplitOptions.TrimEntries))
        {
            if (!Uri.TryCreate($"amqp://{host}", UriKind.Absolute, out var uri) || uri.Host.Length == 0)
                return false;
            nodes.Add(new RabbitMqNode(uri.Host, uri.Port > 0 ? uri.Port : tls ? TlsPort : PlainPort));
        }

        connection = new RabbitMqConnection(
            tls, Uri.UnescapeDataString(user), Uri.UnescapeDataString(password), nodes, virtualHost);
        error = null;
        return true;
    }

    /// <summary>
    /// The nodes as endpoints for the client; each must present a certificate for its own name. The bus, the probe and the deployment all
    /// connect with these. MassTransit's own endpoints would accept errors in the certificate chain (and so an encrypted connection to any server),
    /// and would expect the first node's name in the certificates of all nodes.
    /// </summary>
    internal IReadOnlyList<AmqpTcpEndpoint> Endpoints => [.. Nodes.Select(node => new AmqpTcpEndpoint(node.Host, node.Port, new SslOption(node.Host, enabled: Tls)
    {
        CertificateValidationCallback = ServerCertificate.Check,
    }))];

    /// <summary>The nodes and the virtual host, without the credentials: for logs and errors.</summary>
    public override string ToString() => $"{(Tls ? "amqps" : "amqp")}://{string.Join(',', Nodes)}{(VirtualHost == "/" ? "" : "/" + VirtualHost)}";
}

/// <summary>One node of the broker.</summary>
/// <param name="Host">A name or an address.</param>
/// <param name="Port">The AMQP port.</param>
public sealed record RabbitMqNode(string Host, int Port)
{
    /// <summary><c>host:port</c></summary>
    public override string ToString() => $"{Host}:{Port}";
}
