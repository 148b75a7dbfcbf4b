using System.Text.Json;
using RabbitMQ.Client;
using RabbitMQ.Client.Exceptions;
using WorkinIt.Deliveries;
using WorkinIt.Messaging;

namespace WorkinIt.Consumers.Ledger;

/// <summary>Keeps the copy of the ledger's mark on the broker: outside of the ledger, and shared by all processes that send.</summary>
internal sealed class LedgerMarkQueue(RabbitMqClient client) : ILedgerMarkCopy, IAsyncDisposable
{
    private const int Attempts = 5;

    // While another process reads the mark, the queue looks empty.
    private static readonly TimeSpan _pause = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan _timeout = TimeSpan.FromSeconds(5);

    private IConnection? _connection;

    /// <exception cref="OperationInterruptedException">The queue does not exist, or the user has no right to read it.</exception>
    public Task<LedgerMark?> ReadAsync(CancellationToken cancellationToken) => OnChannelAsync(
        async (channel, token) =>
        {
            for (var attempt = 1; ; attempt++)
            {
                LedgerMark? highest = null;
                while (await channel.BasicGetAsync(QueueTopology.LedgerQueue, autoAck: false, token) is { } message)
                {
                    if (Parse(message.Body) is { } mark && mark.Number > (highest?.Number ?? 0))
                        highest = mark;
                }
                if (highest is not null || attempt == Attempts)
                    return highest; // closing the channel returns the messages to the queue
                await Task.Delay(_pause, token);
            }
        },
        new CreateChannelOptions(publisherConfirmationsEnabled: false, publisherConfirmationTrackingEnabled: false), cancellationToken);

    public Task WriteAsync(LedgerMark mark, CancellationToken cancellationToken) => OnChannelAsync(
        async (channel, token) =>
        {
            var properties = new BasicProperties { ContentType = "application/json", DeliveryMode = DeliveryModes.Persistent };
            await channel.BasicPublishAsync(
                QueueTopology.MoveExchange, QueueTopology.LedgerQueue, mandatory: true, properties, JsonSerializer.SerializeToUtf8Bytes(mark), token);
            return true;
        },
        new CreateChannelOptions(publisherConfirmationsEnabled: true, publisherConfirmationTrackingEnabled: true), cancellationToken);

    public async ValueTask DisposeAsync()
    {
        if (_connection is not null)
            await _connection.DisposeAsync();
    }

    private async Task<T> OnChannelAsync<T>(Func<IChannel, CancellationToken, Task<T>> ask, CreateChannelOptions options, CancellationToken cancellationToken)
    {
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        deadline.CancelAfter(_timeout);
        if (_connection is not { IsOpen: true })
        {
            if (_connection is not null)
                await _connection.DisposeAsync();
            _connection = null;
            _connection = await client.OpenAsync("ledger mark", deadline.Token);
        }
        await using var channel = await _connection.CreateChannelAsync(options, deadline.Token);
        return await ask(channel, deadline.Token);
    }

    private static LedgerMark? Parse(ReadOnlyMemory<byte> body)
    {
        try
        {
            return JsonSerializer.Deserialize<LedgerMark>(body.Span);
        }
        catch (JsonException)
        {
            return null; // not written by WorkinIt
        }
    }
}
