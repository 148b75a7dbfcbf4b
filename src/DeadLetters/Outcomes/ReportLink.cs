using System.Security.Cryptography;
using RabbitMQ.Client;
using RabbitMQ.Client.Events;
using RabbitMQ.Client.Exceptions;

namespace WorkinIt.DeadLetters;

/// <summary>A connection with a temporary queue that receives reports.</summary>
internal sealed class ReportLink
{
    private const ushort Prefetch = 50; // bounds the memory, whatever the size of foreign messages

    private static readonly Dictionary<string, object?> _arguments = new()
    {
        ["x-max-length"] = 100_000L,
        ["x-max-length-bytes"] = 64L * 1024 * 1024,
        ["x-overflow"] = "drop-head", // the application's publishes must not be rejected
    };

    private readonly IConnection _connection;
    private readonly string _queue = $"{QueueLock.Prefix}reports:{RandomNumberGenerator.GetHexString(16, lowercase: true)}";
    private readonly ReportMarkers _markers;
    private volatile bool _isClosing;

    private ReportLink(IConnection connection, DeadLetterOptions options) => (_connection, _markers) = (connection, new ReportMarkers(options, _queue));

    public bool IsOpen => _connection.IsOpen;

    /// <summary>Opens the connection, and receives the reports about some operations.</summary>
    /// <param name="options">The broker.</param>
    /// <param name="operations">The operations' ids.</param>
    /// <param name="received">Called for each report, one after the other.</param>
    /// <param name="lost">Called when the connection was lost, or somebody has deleted the queue.</param>
    /// <param name="cancellationToken">Cancels the operation.</param>
    /// <exception cref="DeadLetterException">The broker refuses it.</exception>
    public static async Task<ReportLink> OpenAsync(
        DeadLetterOptions options, IEnumerable<string> operations, Action<ReplayReport> received, Action<ReportLink> lost, CancellationToken cancellationToken)
    {
        var link = new ReportLink(await BrokerConnection.OpenAsync(options, "dead letters: reports", cancellationToken), options);
        try
        {
            await ReportExchange.DeclareAsync(link._connection, cancellationToken);
            var channel = await link._connection.CreateChannelAsync(cancellationToken: cancellationToken);
            await link._markers.DeclareAsync(channel, cancellationToken);
            await channel.QueueDeclareAsync(
                link._queue, durable: false, exclusive: true, autoDelete: false, _arguments.Concat(link._markers.Arguments).ToDictionary(), cancellationToken: cancellationToken);
            await link._markers.BindAsync(channel, cancellationToken);
            foreach (var operation in operations)
                await link.BindAsync(operation, cancellationToken);
            link._connection.ConnectionShutdownAsync += (_, _) =>
            {
                if (!link._isClosing)
                    lost(link);
                return Task.CompletedTask;
            };
            await link.ConsumeAsync(channel, received, cancellationToken);
            return link;
        }
        catch (Exception e)
        {
            await link.CloseAsync();
            if (e is OperationInterruptedException interrupted)
                throw BrokerConnection.InWords(interrupted, link._queue);
            throw;
        }
    }

    /// <summary>Receives the reports about one more operation. When this returns, none is missed.</summary>
    public Task<bool> BindAsync(string operation, CancellationToken cancellationToken) =>
        _connection.OnOwnChannelAsync(ReplayReport.Exchange, async channel =>
        {
            await channel.QueueBindAsync(_queue, ReplayReport.Exchange, operation + ".#", cancellationToken: cancellationToken);
            return true;
        }, cancellationToken);

    /// <summary>Receives no more reports about an operation.</summary>
    public Task<bool> UnbindAsync(string operation) =>
        _connection.OnOwnChannelAsync(ReplayReport.Exchange, async channel =>
        {
            await channel.QueueUnbindAsync(_queue, ReplayReport.Exchange, operation + ".#");
            return true;
        }, CancellationToken.None);

    /// <summary>Waits until all reports that have arrived so far were read.</summary>
    /// <returns>Whether they were read, and whether some that nobody has read were dropped since the last time.</returns>
    /// <exception cref="DeadLetterException">The broker is unreachable or refuses it.</exception>
    public Task<(bool AreRead, bool AreDropped)> CatchUpAsync(CancellationToken cancellationToken) => _markers.CatchUpAsync(_connection, cancellationToken);

    /// <summary>Closes the connection.</summary>
    public async Task CloseAsync()
    {
        _isClosing = true;
        await _markers.CloseAsync();
        await EndAsync();
    }

    private async Task ConsumeAsync(IChannel channel, Action<ReplayReport> received, CancellationToken cancellationToken)
    {
        var consumer = new AsyncEventingBasicConsumer(channel);
        consumer.ReceivedAsync += async (_, delivery) =>
        {
            if (!_markers.Take(delivery.Exchange, delivery.BasicProperties) && ReportReader.Read(delivery.RoutingKey, delivery.BasicProperties, delivery.Body.Span) is { } report)
                received(report);
            await channel.BasicAckAsync(delivery.DeliveryTag, multiple: false);
        };
        consumer.UnregisteredAsync += (_, _) =>
        {
            if (!_isClosing)
                _ = EndAsync(); // the queue is gone: a new connection has a new one
            return Task.CompletedTask;
        };
        await channel.BasicQosAsync(0, Prefetch, global: false, cancellationToken);
        await channel.BasicConsumeAsync(_queue, autoAck: false, consumer, cancellationToken);
    }

    private async Task EndAsync()
    {
        try
        {
            await _connection.DisposeAsync();
        }
        catch (Exception e) when (e is RabbitMQClientException or IOException or TimeoutException or OperationCanceledException)
        {
            // It is closed in any case.
        }
    }
}
