using Microsoft.Extensions.Options;
using RabbitMQ.Client;

namespace WorkinIt.Messaging;

/// <summary>Opens connections of RabbitMQ.Client for what MassTransit has no words for: the health check, and the topology's own queues.</summary>
/// <param name="options">The connection string.</param>
public sealed class RabbitMqClient(IOptions<RabbitMqOptions> options)
{
    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(3);

    /// <summary>Opens a connection; no automatic recovery, so that a closed one says so.</summary>
    /// <param name="name">Shown in the management UI.</param>
    /// <param name="cancellationToken">Ends the attempt.</param>
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
            RequestedConnectionTimeout = _patience / connection.Nodes.Count, // a machine that is gone says nothing; the others have their turn
            ContinuationTimeout = TimeSpan.FromSeconds(5),
            RequestedHeartbeat = TimeSpan.FromSeconds(5),
        };
        return factory.CreateConnectionAsync(connection.Endpoints, name, cancellationToken);
    }
}
