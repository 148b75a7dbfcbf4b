using System.Collections.Concurrent;
using RabbitMQ.Client;
using RabbitMQ.Client.Events;
using WorkinIt.DeadLetters;

namespace WorkinIt.BrokerTests.DeadLetters;

/// <summary>What a consumer does with a message.</summary>
internal enum Handling
{
    Succeeds,

    /// <summary>It goes to the error exchange with its headers.</summary>
    Fails,

    /// <summary>As when no consumer of the queue handles its type any more: the place is made when it is first needed.</summary>
    Skips,

    /// <summary>It is acked, and waits elsewhere for a later try.</summary>
    Delays,

    /// <summary>It is never acked.</summary>
    Holds,
}

/// <summary>As MassTransit's consumers do it: what fails goes to the error exchange with its headers, then the ack.</summary>
internal sealed class OrderConsumer : IAsyncDisposable
{
    private readonly IChannel _channel;

    private OrderConsumer(IChannel channel) => _channel = channel;

    /// <summary>Those that succeeded.</summary>
    public ConcurrentQueue<int> Numbers { get; } = [];

    /// <summary>How many came.</summary>
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
                await it.PutAsideAsync(orders, handling, delivery);
            }
            await channel.BasicAckAsync(delivery.DeliveryTag, multiple: false);
        };
        await channel.BasicConsumeAsync(Orders.Input, autoAck: false, consumer);
        return it;
    }

    public async ValueTask DisposeAsync() => await _channel.DisposeAsync();

    private async Task PutAsideAsync(Orders orders, Handling handling, BasicDeliverEventArgs delivery)
    {
        var properties = new BasicProperties(delivery.BasicProperties) { Headers = new Dictionary<string, object?>(delivery.BasicProperties.Headers!) };
        var place = handling switch { Handling.Fails => Orders.Error, Handling.Skips => "orders_skipped", _ => "orders-later" };
        if (handling == Handling.Fails)
        {
            properties.Headers["MT-Fault-ExceptionType"] = "Orders.StillBrokenException";
            properties.Headers["MT-Fault-Message"] = "It is still broken";
        }
        else
        {
            properties.Headers["MT-Reason"] = "dead-letter";
            await using var channel = await orders.VirtualHost.OpenChannelAsync();
            await channel.ExchangeDeclareAsync(place, ExchangeType.Fanout, durable: true);
            await channel.QueueDeclareAsync(place, durable: true, exclusive: false, autoDelete: false);
            await channel.QueueBindAsync(place, place, "");
        }
        await _channel.BasicPublishAsync(place, "", mandatory: true, properties, delivery.Body.ToArray());
    }
}

/// <summary>An application that says which messages it has handled.</summary>
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
