using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Text;
using RabbitMQ.Client;
using WorkinIt.DeadLetters;

namespace WorkinIt.Testbed;

/// <summary>Dead letters of a large application: 50 queues, one of them with 60 % of the letters, 30 causes, the failures of some hours.</summary>
/// <param name="virtualHost">The virtual host of the application.</param>
[SuppressMessage("Reliability", "CA2025", Justification = "Each publish is awaited before the channel is disposed")]
public sealed class DeadLetterFill(TestVirtualHost virtualHost)
{
    /// <summary>The queue with 60 % of the letters, a quorum queue.</summary>
    public const string LargestQueue = "orders_error";

    /// <summary>How many dead-letter queues the application has.</summary>
    public const int Queues = 50;

    /// <summary>How many causes its letters have.</summary>
    public const int Causes = 30;

    private const int Outstanding = 1024;

    private static readonly string _frames = string.Concat(Enumerable.Range(1, 14).Select(number => $"\n   at MassTransit.Middleware.Filter{number}.Send(ConsumeContext context, IPipe next) in /_/src/MassTransit/Middleware/Filter{number}.cs:line {number}1"));

    /// <summary>From the first failure to the last one.</summary>
    public static TimeSpan Span { get; } = TimeSpan.FromHours(6);

    /// <summary>The dead-letter queues; the largest first.</summary>
    public static IReadOnlyList<string> Names { get; } = [LargestQueue, .. Enumerable.Range(1, Queues - 1).Select(number => string.Create(CultureInfo.InvariantCulture, $"shop-{number:00}_error"))];

    /// <summary>Declares the queues and exchanges as MassTransit does; the largest queue is a quorum queue, from which the broker drops no message.</summary>
    /// <param name="queues">How many of the dead-letter queues.</param>
    public async Task DeclareAsync(int queues = Queues)
    {
        // 4.x drops a message that was returned 20 times, unless the limit is -1. On 3.x, -1 drops it at the first return.
        var isOld = (await virtualHost.ManagementAsync("overview")).GetProperty("rabbitmq_version").GetString()!.StartsWith("3.", StringComparison.Ordinal);
        var largest = new Dictionary<string, object?> { ["x-queue-type"] = "quorum" };
        if (!isOld)
            largest["x-delivery-limit"] = -1;
        await using var channel = await virtualHost.OpenChannelAsync();
        foreach (var queue in Names.Take(queues).SelectMany(name => new[] { name, InputOf(name) }))
        {
            await channel.ExchangeDeclareAsync(queue, ExchangeType.Fanout, durable: true);
            await channel.QueueDeclareAsync(queue, durable: true, exclusive: false, autoDelete: false, queue == LargestQueue ? largest : new Dictionary<string, object?> { ["x-queue-type"] = "classic" });
            await channel.QueueBindAsync(queue, queue, "");
        }
    }

    /// <summary>Publishes dead letters to the queues' exchanges, with confirms. The failures are spread over <see cref="Span"/>, the first of cause 0.</summary>
    /// <param name="count">How many.</param>
    /// <param name="end">When the last one failed; null: now.</param>
    public async Task PublishAsync(int count, DateTimeOffset? end = null)
    {
        await using var channel = await virtualHost.OpenChannelAsync(confirms: true);
        var outstanding = new Queue<Task>(Outstanding);
        var start = (end ?? DateTimeOffset.UtcNow) - Span;
        for (var number = 0; number < count; number++)
        {
            outstanding.Enqueue(PublishAsync(channel, QueueOf(number), number, start + (Span * number / count)));
            if (outstanding.Count == Outstanding)
                await outstanding.Dequeue();
        }
        await Task.WhenAll(outstanding);
    }

    /// <summary>Publishes one dead letter after the other, each confirmed before the next, as consumers do that fail one at a time.</summary>
    /// <param name="exchange">The exchange.</param>
    /// <param name="count">How many.</param>
    /// <param name="outstanding">How many may wait for their confirm.</param>
    /// <param name="cause">Their cause; null: each of the causes in turn.</param>
    public async Task PublishToAsync(string exchange, int count, int outstanding, int? cause = null)
    {
        await using var channel = await virtualHost.OpenChannelAsync(confirms: true);
        var waiting = new Queue<Task>(outstanding);
        for (var number = 0; number < count; number++)
        {
            waiting.Enqueue(PublishAsync(channel, exchange, cause is { } one ? (number * Causes) + one : number, DateTimeOffset.UtcNow));
            if (waiting.Count == outstanding)
                await waiting.Dequeue();
        }
        await Task.WhenAll(waiting);
    }

    /// <summary>The queue of the letter with this number.</summary>
    /// <param name="number">From 0.</param>
    public static string QueueOf(int number) => number % 10 < 6 ? LargestQueue : Names[1 + (number % (Queues - 1))];

    /// <summary>The input queue of a dead-letter queue.</summary>
    /// <param name="queue">The dead-letter queue.</param>
    public static string InputOf(string queue) => queue.Replace("_error", "", StringComparison.Ordinal);

    /// <summary>The id of a cause.</summary>
    /// <param name="cause">Its number, from 0.</param>
    public static string CauseIdOf(int cause)
    {
        var (properties, body) = Message(LargestQueue, cause, DateTimeOffset.UnixEpoch);
        return new DeadLetter(LargestQueue, 1, 0, properties, body, 0).Cause.Id;
    }

    /// <summary>A dead letter as MassTransit writes it.</summary>
    /// <param name="queue">Its queue.</param>
    /// <param name="number">Its number: determines the cause.</param>
    /// <param name="at">When it failed.</param>
    public static (BasicProperties Properties, byte[] Body) Message(string queue, int number, DateTimeOffset at)
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
        return (properties, body);
    }

    private static Task PublishAsync(IChannel channel, string queue, int number, DateTimeOffset at)
    {
        var (properties, body) = Message(queue, number, at);
        return channel.BasicPublishAsync(queue, "", mandatory: true, properties, body).AsTask();
    }
}
