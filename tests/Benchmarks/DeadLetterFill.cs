using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Text;
using RabbitMQ.Client;
using WorkinIt.Testbed;

namespace WorkinIt.Benchmarks;

/// <summary>Dead letters of a large application: 50 queues, one of them with 60 % of the letters, 30 causes, the failures of some hours.</summary>
[SuppressMessage("Reliability", "CA2025", Justification = "Each publish is awaited before the channel is disposed")]
internal sealed class DeadLetterFill(TestVirtualHost virtualHost)
{
    public const string LargestQueue = "orders_error";
    private const int Queues = 50;
    private const int Causes = 30;
    private const int Outstanding = 1024;

    private static readonly TimeSpan _hours = TimeSpan.FromHours(6);
    private static readonly string _frames = string.Concat(Enumerable.Range(1, 14).Select(number => $"\n   at MassTransit.Middleware.Filter{number}.Send(ConsumeContext context, IPipe next) in /_/src/MassTransit/Middleware/Filter{number}.cs:line {number}1"));

    /// <summary>The dead-letter queues; the largest first.</summary>
    public static IReadOnlyList<string> Names { get; } = [LargestQueue, .. Enumerable.Range(1, Queues - 1).Select(number => string.Create(CultureInfo.InvariantCulture, $"shop-{number:00}_error"))];

    /// <summary>Declares the queues and exchanges as MassTransit does; the largest queue is a quorum queue.</summary>
    public async Task DeclareAsync()
    {
        await using var channel = await virtualHost.OpenChannelAsync();
        foreach (var queue in Names.Concat(Names.Select(InputOf)))
        {
            await channel.ExchangeDeclareAsync(queue, ExchangeType.Fanout, durable: true);
            await channel.QueueDeclareAsync(queue, durable: true, exclusive: false, autoDelete: false, new Dictionary<string, object?> { ["x-queue-type"] = queue == LargestQueue ? "quorum" : "classic" });
            await channel.QueueBindAsync(queue, queue, "");
        }
    }

    /// <summary>Publishes dead letters to the queues' exchanges, with confirms.</summary>
    /// <param name="count">How many.</param>
    public async Task PublishAsync(int count)
    {
        await using var channel = await virtualHost.OpenChannelAsync(confirms: true);
        var outstanding = new Queue<Task>(Outstanding);
        var start = DateTimeOffset.UtcNow - _hours;
        for (var number = 0; number < count; number++)
        {
            var queue = number % 10 < 6 ? LargestQueue : Names[1 + (number % (Queues - 1))];
            outstanding.Enqueue(PublishAsync(channel, queue, number, start + (_hours * number / count)));
            if (outstanding.Count == Outstanding)
                await outstanding.Dequeue();
        }
        await Task.WhenAll(outstanding);
    }

    /// <summary>Publishes one dead letter after the other, each confirmed before the next, as consumers do that fail one at a time.</summary>
    /// <param name="exchange">The exchange.</param>
    /// <param name="count">How many.</param>
    /// <param name="outstanding">How many may wait for their confirm.</param>
    public async Task PublishToAsync(string exchange, int count, int outstanding)
    {
        await using var channel = await virtualHost.OpenChannelAsync(confirms: true);
        var waiting = new Queue<Task>(outstanding);
        for (var number = 0; number < count; number++)
        {
            waiting.Enqueue(PublishAsync(channel, exchange, number, DateTimeOffset.UtcNow));
            if (waiting.Count == outstanding)
                await waiting.Dequeue();
        }
        await Task.WhenAll(waiting);
    }

    private static Task PublishAsync(IChannel channel, string queue, int number, DateTimeOffset at)
    {
        var (id, cause) = (Guid.CreateVersion7(at), number % Causes);
        var properties = new BasicProperties
        {
            MessageId = id.ToString(),
            ContentType = "application/vnd.masstransit+json",
            DeliveryMode = DeliveryModes.Persistent,
            Headers = new Dictionary<string, object?>
            {
                ["MT-Reason"] = "fault",
                ["MT-Fault-ExceptionType"] = $"Shop.Failure{cause % 11}Exception",
                ["MT-Fault-Message"] = string.Create(CultureInfo.InvariantCulture, $"The service {cause} did not answer within {number} ms"),
                ["MT-Fault-StackTrace"] = $"   at Shop.Service{cause}.HandleAsync(Order order) in /_/Shop/Service{cause}.cs:line {cause + 10}{_frames}",
                ["MT-Fault-Timestamp"] = at.ToString("O", CultureInfo.InvariantCulture),
                ["MT-Fault-InputAddress"] = $"rabbitmq://localhost/{InputOf(queue)}",
                ["MT-Fault-MessageType"] = "Shop:PlaceOrder",
                ["MT-Fault-ConsumerType"] = $"Shop.PlaceOrder{cause}Consumer",
                ["MT-Host-MachineName"] = "shop-1",
                ["MT-Host-ProcessName"] = "Shop",
                ["MT-Host-ProcessId"] = "1",
                ["MT-Host-AssemblyVersion"] = "2.4.1.0",
            },
        };
        var body = Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture, $$$"""
            {"messageId":"{{{id}}}","messageType":["urn:message:Shop:PlaceOrder"],"message":{"orderId":"{{{id}}}","number":{{{number}}},"customer":"somebody{{{number}}}@example.com","note":"order number {{{number}}}, please ring twice","lines":[{"item":"tea","count":2},{"item":"cup","count":1}]},"sentTime":"{{{at:O}}}","headers":{},"host":{"machineName":"shop-1","processName":"Shop","processId":1,"assembly":"Shop","assemblyVersion":"2.4.1.0"}}
            """));
        return channel.BasicPublishAsync(queue, "", mandatory: true, properties, body).AsTask();
    }

    private static string InputOf(string queue) => queue.Replace("_error", "", StringComparison.Ordinal);
}
