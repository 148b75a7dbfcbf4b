using System.Collections.Concurrent;
using RabbitMQ.Client;
using RabbitMQ.Client.Exceptions;

namespace WorkinIt.Messaging;

/// <summary>
/// Publishes with the mandatory flag and publisher confirms, over its own connection and one channel for each exchange. Publishing to a missing
/// exchange closes the channel; if that were the consumer's channel, all its unacked messages would return to their queue.
/// </summary>
/// <param name="client">Opens the connection.</param>
public sealed class ConfirmedPublisher(RabbitMqClient client) : IAsyncDisposable
{
    private static readonly TimeSpan _timeout = TimeSpan.FromSeconds(30);

    private readonly ConcurrentDictionary<string, IChannel> _channels = new();
    private readonly SemaphoreSlim _one = new(1, 1);
    private IConnection? _connection;
    private volatile bool _blocked;

    /// <summary>Publishes once.</summary>
    /// <param name="exchange">The exchange.</param>
    /// <param name="routingKey">The routing key.</param>
    /// <param name="properties">The properties.</param>
    /// <param name="body">The body.</param>
    /// <exception cref="PublishException">The broker returned or refused the message.</exception>
    /// <exception cref="OperationInterruptedException">The exchange is missing, or the connection was lost.</exception>
    /// <exception cref="TimeoutException">The broker did not confirm in time.</exception>
    public async Task PublishAsync(string exchange, string routingKey, BasicProperties properties, ReadOnlyMemory<byte> body)
    {
        var channel = await ChannelAsync(exchange);
        var publish = channel.BasicPublishAsync(exchange, routingKey, mandatory: true, properties, body, CancellationToken.None).AsTask();
        // During an alarm a publish is never given up: it would still arrive after the alarm ends.
        while (await Task.WhenAny(publish, Task.Delay(_timeout)) != publish)
        {
            if (_blocked)
                continue;
            _ = publish.ContinueWith(static ended => _ = ended.Exception, CancellationToken.None, TaskContinuationOptions.OnlyOnFaulted, TaskScheduler.Default);
            await channel.AbortAsync();
            throw new TimeoutException($"The broker did not confirm within {_timeout.TotalSeconds:0} s");
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
        using var deadline = new CancellationTokenSource(_timeout);
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
