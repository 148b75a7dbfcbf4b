using System.Collections.Concurrent;
using RabbitMQ.Client;
using RabbitMQ.Client.Exceptions;

namespace WorkinIt.Messaging;

/// <summary>
/// Publishes mandatory and confirmed, over a connection of its own and a channel for each exchange: publishing to a missing exchange closes
/// the channel. The consumer's channel would take all its messages back to the queue with it.
/// </summary>
/// <param name="client">Opens the connection.</param>
public sealed class ConfirmedPublisher(RabbitMqClient client) : IAsyncDisposable
{
    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(30);

    private readonly ConcurrentDictionary<string, IChannel> _channels = new();
    private readonly SemaphoreSlim _one = new(1, 1);
    private IConnection? _connection;
    private volatile bool _blocked;

    /// <summary>Publishes once.</summary>
    /// <param name="exchange">The exchange.</param>
    /// <param name="routingKey">The routing key.</param>
    /// <param name="properties">The properties.</param>
    /// <param name="body">The body.</param>
    /// <exception cref="PublishException">It was returned, or refused.</exception>
    /// <exception cref="OperationInterruptedException">The exchange is missing, or the connection was lost.</exception>
    /// <exception cref="TimeoutException">No confirm came.</exception>
    public async Task PublishAsync(string exchange, string routingKey, BasicProperties properties, ReadOnlyMemory<byte> body)
    {
        var channel = await ChannelAsync(exchange);
        var publish = channel.BasicPublishAsync(exchange, routingKey, mandatory: true, properties, body, CancellationToken.None).AsTask();
        // A publish that was given up under an alarm arrives after it: it is waited for, however long.
        while (await Task.WhenAny(publish, Task.Delay(_patience)) != publish)
        {
            if (_blocked)
                continue;
            _ = publish.ContinueWith(static ended => _ = ended.Exception, CancellationToken.None, TaskContinuationOptions.OnlyOnFaulted, TaskScheduler.Default);
            await channel.AbortAsync();
            throw new TimeoutException($"The broker did not confirm within {_patience.TotalSeconds:0} s");
        }
        await publish;
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        if (_connection is { } connection)
            await connection.DisposeAsync();
        _one.Dispose();
    }

    private async Task<IChannel> ChannelAsync(string exchange)
    {
        if (_channels.TryGetValue(exchange, out var open) && open.IsOpen)
            return open;
        using var deadline = new CancellationTokenSource(_patience);
        await _one.WaitAsync(deadline.Token);
        try
        {
            if (_channels.TryGetValue(exchange, out open) && open.IsOpen)
                return open;
            var connection = await ConnectionAsync(deadline.Token);
            return _channels[exchange] = await connection.CreateChannelAsync(
                new CreateChannelOptions(publisherConfirmationsEnabled: true, publisherConfirmationTrackingEnabled: true), deadline.Token);
        }
        finally
        {
            _one.Release();
        }
    }

    private async Task<IConnection> ConnectionAsync(CancellationToken cancellationToken)
    {
        if (_connection is { IsOpen: true } open)
            return open;
        if (_connection is { } old)
            await old.DisposeAsync();
        (_connection, _blocked) = (null, false);
        _channels.Clear();
        var connection = await client.OpenAsync("moves", cancellationToken);
        connection.ConnectionBlockedAsync += (_, _) =>
        {
            _blocked = true;
            return Task.CompletedTask;
        };
        connection.ConnectionUnblockedAsync += (_, _) =>
        {
            _blocked = false;
            return Task.CompletedTask;
        };
        return _connection = connection;
    }
}
