using RabbitMQ.Client;
using RabbitMQ.Client.Exceptions;

namespace WorkinIt.DeadLetters.Catalogue.Feed;

/// <summary>
/// Asks the broker itself which queues are missing: those that it can't route messages to. That includes a queue on a node that is down. Not safe for
/// concurrent use.
/// </summary>
/// <param name="connection">The feed's connection.</param>
internal sealed class QueuePresence(IConnection connection)
{
    private IChannel? _channel;

    /// <summary>Which of these queues are missing now. A queue whose state can't be read counts as existing.</summary>
    public async Task<IReadOnlySet<string>> MissingAsync(IEnumerable<string> queues, CancellationToken cancellationToken)
    {
        var missing = new HashSet<string>(StringComparer.Ordinal);
        foreach (var queue in queues)
        {
            if (!await ExistsAsync(queue, cancellationToken))
                missing.Add(queue);
        }
        return missing;
    }

    private async Task<bool> ExistsAsync(string queue, CancellationToken cancellationToken)
    {
        if (_channel is not { IsOpen: true })
            _channel = await connection.CreateChannelAsync(cancellationToken: cancellationToken);
        try
        {
            await _channel.QueueDeclarePassiveAsync(queue, cancellationToken);
            return true;
        }
        catch (OperationInterruptedException e) when (connection.IsOpen)
        {
            return e.ShutdownReason?.ReplyCode != Constants.NotFound;
        }
        catch (TimeoutException) when (connection.IsOpen)
        {
            await _channel.DisposeAsync();
            return true;
        }
    }
}
