using Microsoft.Extensions.Options;
using RabbitMQ.Client;

namespace WorkinIt.Messaging;

/// <summary>Opens RabbitMQ.Client connections for what MassTransit has no API for: the health check, and the topology's own queues.</summary>
/// <param name="options">The connection string.</param>
public sealed class RabbitMqClient(IOptions<RabbitMqOptions> options)
{
    private static readonly TimeSpan _timeout = TimeSpan.FromSeconds(3);

    /// <summary>Opens a connection without automatic recovery, so that a closed one is reported as closed.</summary>
    /// <param name="name">The connection's name in the management UI.</param>
    /// <param name="cancellationToken">Cancels the attempt.</param>
    /// <exception cref="RabbitMQ.Client.Exceptions.BrokerUnreachableException">No node answered.</exception>
    public Task<IConnection> OpenAsync(string name, CancellationToken cancellationToken)
    {
        var connection = options.Value.Connection;
        var factory = new ConnectionFactory
        {
            UserName = connection.Username,
            Password = connection.Password,
            VirtualHost = connection.VirtualHost,
            AutomaticRecoveryEnabled = false,
            RequestedConnectionTimeout = _timeout / connection.Nodes.Count, // a dead machine does not answer; leave time to try the other nodes
            ContinuationTimeout = TimeSpan.FromSeconds(5),
            RequestedHeartbeat = TimeSpan.FromSeconds(5),
        };
        return factory.CreateConnectionAsync(connection.Endpoints, name, cancellationToken);
    }
}
