using System.Collections.Concurrent;
using RabbitMQ.Client;
using RabbitMQ.Client.Events;
using WorkinIt.DeadLetters;

namespace WorkinIt.BrokerTests.DeadLetters;

/// <summary>What a consumer does with a message.</summary>
internal enum Handling
{
    Succeeds,

    /// <summary>The message goes to the error exchange with its headers.</summary>
    Fails,

    /// <summary>The message goes to the skipped queue, as if no consumer handled its type. That queue is created on first use.</summary>
    Skips,

    /// <summary>The message goes to another queue to wait for a later attempt, and is acked.</summary>
    Delays,

    /// <summary>The message is never acked.</summary>
    Holds,
}

/// <summary>Acts like a consumer of MassTransit: a failed message goes to the error exchange with its headers, then it is acked.</summary>
internal sealed class OrderConsumer : IAsyncDisposable
{
    private readonly IChannel _channel;

    private OrderConsumer(IChannel channel) => _channel = channel;

    /// <summary>The numbers of the orders that succeeded.</summary>
    public ConcurrentQueue<int> Numbers { get; } = [];

    /// <summary>The number of messages received.</summary>
    public int Seen { get; private set; }

    public static async Task<OrderConsumer> StartAsync(Orders orders, Func<IReadOnlyBasicProperties, int, Handling> handle, ApplicationThatReports? application = null)
    {
        var channel = await orders.VirtualHost.OpenChannelAsync();
        var it = new OrderConsumer(channel);
        var consumer = new AsyncEventingBasicConsumer(channel);
        consumer.ReceivedAsync += async (_, delivery) =>
        {
            it.Seen++;
            using var json = System.Text.Json.JsonDocument.Parse(delivery.Body);
            var number = json.RootElement.GetProperty("message").GetProperty("number").GetInt32();
            var handling = handle(delivery.BasicProperties, number);
            if (handling == Handling.Holds)
                return;
            if (handling == Handling.Succeeds)
            {
                it.Numbers.Enqueue(number);
                application?.Handled(delivery.BasicProperties.MessageId!);
            }
            else
            {
                await it.MoveAsync(orders, handling, delivery);
            }
            await channel.BasicAckAsync(delivery.DeliveryTag, multiple: false);
        };
        await channel.BasicConsumeAsync(Orders.Input, autoAck: false, consumer);
        return it;
    }

    public async ValueTask DisposeAsync() => await _channel.DisposeAsync();

    private async Task MoveAsync(Orders orders, Handling handling, BasicDeliverEventArgs delivery)
    {
        var properties = new BasicProperties(delivery.BasicProperties) { Headers = new Dictionary<string, object?>(delivery.BasicProperties.Headers!) };
        var target = handling switch { Handling.Fails => Orders.Error, Handling.Skips => "orders_skipped", _ => "orders-later" };
        if (handling == Handling.Fails)
        {
            properties.Headers["MT-Fault-ExceptionType"] = "Orders.StillBrokenException";
            properties.Headers["MT-Fault-Message"] = "It is still broken";
        }
        else
        {
            properties.Headers["MT-Reason"] = "dead-letter";
            await using var channel = await orders.VirtualHost.OpenChannelAsync();
            await channel.ExchangeDeclareAsync(target, ExchangeType.Fanout, durable: true);
            await channel.QueueDeclareAsync(target, durable: true, exclusive: false, autoDelete: false);
            await channel.QueueBindAsync(target, target, "");
        }
        await _channel.BasicPublishAsync(target, "", mandatory: true, properties, delivery.Body.ToArray());
    }
}

/// <summary>An application that reports which messages it handled.</summary>
internal sealed class ApplicationThatReports : IReplayAdvisor
{
    private readonly ConcurrentDictionary<string, byte> _handled = new();

    public void Handled(string messageId) => _handled.TryAdd(messageId, 0);

    public Task<IReadOnlyList<Verdict?>> JudgeAsync(IReadOnlyList<DeadLetter> letters, bool sendAgain, CancellationToken cancellationToken) =>
        Task.FromResult<IReadOnlyList<Verdict?>>(new Verdict?[letters.Count]);

    public Task<IReadOnlyList<Outcome?>> OutcomesAsync(IReadOnlyList<Replayed> replayed, CancellationToken cancellationToken) =>
        Task.FromResult<IReadOnlyList<Outcome?>>([.. replayed.Select(message => _handled.ContainsKey(message.MessageId!) ? Outcome.Handled : (Outcome?)null)]);

    public Task<string?> WasDoneAsync(DeadLetter letter, string by, CancellationToken cancellationToken) => Task.FromResult<string?>(null);
}
