using System.Globalization;
using System.Text;
using RabbitMQ.Client;
using WorkinIt.DeadLetters;
using WorkinIt.Dev.Machine;
using WorkinIt.Testbed;

namespace WorkinIt.BrokerTests.DeadLetters;

/// <summary>The queue orders of an application other than WorkinIt, with dead letters as MassTransit writes them.</summary>
internal sealed class Orders : IAsyncDisposable
{
    public const string Input = "orders";
    public const string Error = "orders_error";

    private readonly string _audit = Path.Combine(Path.GetTempPath(), $"workinit-audit-{Guid.NewGuid():N}.jsonl");

    private readonly TestBroker _broker;

    private Orders(TestBroker broker, TestVirtualHost virtualHost, IChannel channel, IReplayAdvisor? advisor)
    {
        (_broker, VirtualHost, Channel) = (broker, virtualHost, channel);
        Options = DeadLetterOptions.Parse(virtualHost.ConnectionString("operator"), broker.Management.BaseAddress!);
        Client = new DeadLetterClient(Options, new AuditFile(_audit), advisor);
    }

    /// <summary>The audit log of the client and the command.</summary>
    public string AuditPath => _audit;

    public TestVirtualHost VirtualHost { get; }

    public IChannel Channel { get; }

    public DeadLetterOptions Options { get; }

    public DeadLetterClient Client { get; }

    public static async Task<Orders> CreateAsync(string errorType = "classic", Dictionary<string, object?>? errorArguments = null, IReplayAdvisor? advisor = null, TestBroker? broker = null)
    {
        broker ??= TestBroker.FromEnvironment();
        var virtualHost = await broker.CreateVirtualHostAsync();
        var orders = new Orders(broker, virtualHost, await virtualHost.OpenChannelAsync(), advisor);
        await orders.DeclareAsync(Input, new Dictionary<string, object?> { ["x-queue-type"] = "quorum" });
        await orders.DeclareAsync(Error, new Dictionary<string, object?>(errorArguments ?? []) { ["x-queue-type"] = errorType });
        return orders;
    }

    /// <summary>The operator's command on these queues.</summary>
    public OperatorCommand Command => new(new Dictionary<string, string>
    {
        ["ConnectionStrings__RabbitMq"] = VirtualHost.ConnectionString("operator"),
        ["RabbitMqManagement__Url"] = _broker.Management.BaseAddress!.ToString(),
        ["DeadLetters__AuditFile"] = _audit,
    });

    /// <summary>The operator's command on these queues, where no process listens at the address of the management API.</summary>
    public OperatorCommand CommandWithoutManagement => new(new Dictionary<string, string>
    {
        ["ConnectionStrings__RabbitMq"] = VirtualHost.ConnectionString("operator"),
        ["RabbitMqManagement__Url"] = $"http://127.0.0.1:{Ports.TakeFree()}",
        ["DeadLetters__AuditFile"] = _audit,
    });

    /// <summary>Declares a queue and a fanout exchange of the same name that is bound to it, as MassTransit does.</summary>
    public async Task DeclareAsync(string queue, Dictionary<string, object?> arguments)
    {
        await Channel.ExchangeDeclareAsync(queue, ExchangeType.Fanout, durable: true);
        await Channel.QueueDeclareAsync(queue, durable: true, exclusive: false, autoDelete: false, arguments);
        await Channel.QueueBindAsync(queue, queue, "");
    }

    public static byte[] Envelope(Guid id, string message, string headers = "{}") => Encoding.UTF8.GetBytes($$"""
        { "messageId": "{{id}}",  "messageType": ["urn:message:Orders:PlaceOrder"],
          "message": {{message}}, "headers": {{headers}}, "sentTime": "2026-01-02T03:04:05Z" }
        """);

    public static BasicProperties Faulted(Guid? id, string exception = "System.TimeoutException", string reason = "The shop did not answer", int second = 0) => new()
    {
        MessageId = id?.ToString(),
        ContentType = "application/vnd.masstransit+json",
        DeliveryMode = DeliveryModes.Persistent,
        CorrelationId = "kept",
        Headers = new Dictionary<string, object?>
        {
            ["Content-Type"] = "application/vnd.masstransit+json",
            ["MT-Activity-Id"] = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            ["MT-Reason"] = "fault",
            ["MT-Fault-Address"] = "rabbitmq://localhost/faults",
            ["MT-Fault-ExceptionType"] = exception,
            ["MT-Fault-Message"] = reason,
            ["MT-Fault-StackTrace"] = "   at Orders.PlaceOrderConsumer.Consume()",
            ["MT-Fault-Timestamp"] = DateTimeOffset.UnixEpoch.AddSeconds(second).ToString("O", CultureInfo.InvariantCulture),
            ["MT-Fault-InputAddress"] = "rabbitmq://localhost/orders",
            ["MT-Fault-MessageType"] = "Orders:PlaceOrder",
            ["MT-Fault-RetryCount"] = 3,
            ["MT-Redelivery-Count"] = 5,
            ["MT-Host-MachineName"] = "shop-1",
            ["Tenant"] = "blue",
            ["Number"] = 42L,
        },
    };

    /// <summary>Publishes a message to a queue. Returns before the broker has confirmed it.</summary>
    public Task PutAsync(BasicProperties properties, byte[] body, string queue = Error) => Channel.BasicPublishAsync("", queue, mandatory: true, properties, body).AsTask();

    /// <summary>Puts faulted messages into the dead-letter queue, alternating between up to four causes.</summary>
    public async Task<IReadOnlyList<Guid>> PutFaultsAsync(int count, int causes = 1)
    {
        var ids = new List<Guid>(count);
        for (var i = 0; i < count; i++)
        {
            var id = Guid.CreateVersion7();
            ids.Add(id);
            var reason = (i % causes) switch
            {
                0 => $"The shop did not answer within {i} ms",
                1 => $"Order {Guid.NewGuid()} is unknown",
                2 => $"No address for jane{i}@example.com",
                _ => "Out of stock",
            };
            var properties = Faulted(id, i % causes == 3 ? "Orders.OutOfStockException" : "System.TimeoutException", reason, i);
            properties.Headers!["MT-Fault-StackTrace"] = $"   at Orders.PlaceOrderConsumer.Consume() in /src/PlaceOrderConsumer.cs:line {10 + (i % causes)}";
            await PutAsync(properties, Envelope(id, $$"""{ "number": {{i}}, "note": "für 😀 {{i}}" }"""));
        }
        await SeeAsync(Error, count);
        return ids;
    }

    public Task SeeAsync(string queue, long count) =>
        Eventually.SeeAsync(() => VirtualHost.ReadyAsync(queue), ready => ready == count, $"{count} messages in {queue}");

    /// <summary>Takes all messages from a queue. Returns each as text with every byte and every header.</summary>
    public async Task<IReadOnlyList<string>> TakeAllAsync(string queue) => [.. (await VirtualHost.TakeAllAsync(queue)).Select(Text)];

    public static string Text(BasicGetResult message) =>
        $"{Convert.ToBase64String(message.Body.Span)} {message.BasicProperties.MessageId} {message.BasicProperties.ContentType} {message.BasicProperties.CorrelationId} "
        + string.Join(", ", (message.BasicProperties.Headers ?? new Dictionary<string, object?>())
            .Where(header => header.Key is not ("x-delivery-count" or "x-acquired-count"))
            .OrderBy(header => header.Key, StringComparer.Ordinal)
            .Select(header => $"{header.Key}={(header.Value is byte[] bytes ? Encoding.UTF8.GetString(bytes) : header.Value)}"));

    /// <summary>Compares two lists; a failure prints only the first difference instead of a thousand lines.</summary>
    public static void ShouldBeSame(IEnumerable<string?> seen, IEnumerable<string?> expected)
    {
        var (a, b) = (seen.ToList(), expected.ToList());
        var first = Enumerable.Range(0, Math.Min(a.Count, b.Count)).FirstOrDefault(i => a[i] != b[i], -1);
        if (first >= 0)
            a[first].ShouldBe(b[first], $"at {first}");
        a.Count.ShouldBe(b.Count);
    }

    public static string? Header(BasicGetResult message, string name) =>
        message.BasicProperties.Headers?.TryGetValue(name, out var value) == true ? value is byte[] bytes ? Encoding.UTF8.GetString(bytes) : Convert.ToString(value, CultureInfo.InvariantCulture) : null;

    public async ValueTask DisposeAsync()
    {
        Client.Dispose();
        await VirtualHost.DisposeAsync();
        _broker.Dispose();
    }
}
