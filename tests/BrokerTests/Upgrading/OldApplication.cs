using System.Text;
using MassTransit;
using RabbitMQ.Client;
using WorkinIt.BrokerTests.DeadLetters;
using WorkinIt.Testbed;
using OrderLetters = WorkinIt.BrokerTests.DeadLetters.Orders; // a sample has a namespace of that name

namespace WorkinIt.BrokerTests.Upgrading;

/// <summary>A message that no consumer handles.</summary>
public sealed record ShopRefund(int Number);

/// <summary>A MassTransit application on the old broker that has left dead letters of each kind, and others that people and brokers leave beside them.</summary>
internal sealed class OldApplication : IAsyncDisposable
{
    public const string Input = "orders";
    public const string Error = "orders_error";
    public const string Skipped = "orders_skipped";
    public const string Delay = "orders_delay_1h";
    public const string Suspect = "orders_suspect";
    public const string Discarded = "orders_discarded";
    public const int Failed = 8;
    private const int Rejected = 2;

    private OldApplication(TestVirtualHost virtualHost, string type) => (VirtualHost, Type) = (virtualHost, type);

    /// <summary>The queues with dead letters and waiting messages.</summary>
    public static IReadOnlyList<string> Queues { get; } = [Error, Skipped, Delay, Suspect, Discarded];

    public TestVirtualHost VirtualHost { get; }

    public string Type { get; }

    public static async Task<OldApplication> CreateAsync(TestBroker broker, string type)
    {
        var application = new OldApplication(await broker.CreateVirtualHostAsync(), type);
        await application.FailAsync();
        await using var channel = await application.VirtualHost.OpenChannelAsync(confirms: true);
        await application.DeclareAsync(channel);
        await application.ReplayOneAsync(broker);
        var foreign = Foreign().ToList();
        foreach (var (properties, body) in foreign)
            await channel.BasicPublishAsync("", Error, mandatory: true, properties, body);
        await DeadLetterByBrokerAsync(channel);
        await application.SeeAsync(Error, Failed - 1 + foreign.Count + Rejected); // one was discarded
        await channel.BasicPublishAsync("", Delay, mandatory: true, OrderLetters.Faulted(Guid.CreateVersion7()), OrderLetters.Envelope(Guid.CreateVersion7(), "{}"));
        await channel.BasicPublishAsync("", Suspect, mandatory: true, OrderLetters.Faulted(Guid.CreateVersion7()), OrderLetters.Envelope(Guid.CreateVersion7(), "{}"));
        return application;
    }

    /// <summary>The operator's command on a broker.</summary>
    public static OperatorCommand CommandOn(TestBroker broker, TestVirtualHost virtualHost, params (string Name, string Value)[] settings) => new(new Dictionary<string, string>(settings.Select(setting => KeyValuePair.Create(setting.Name, setting.Value)))
    {
        ["ConnectionStrings__RabbitMq"] = virtualHost.ConnectionString("operator"),
        ["RabbitMqManagement__Url"] = broker.Management.BaseAddress!.ToString(),
        ["DeadLetters__AuditFile"] = Path.Combine(Path.GetTempPath(), $"workinit-audit-{virtualHost.Name}.jsonl"),
        ["WORKINIT_OPERATOR"] = "jane",
    });

    /// <summary>Starts the application's consumer.</summary>
    /// <param name="virtualHost">Where.</param>
    /// <param name="type">The type of its queue.</param>
    /// <param name="consume">What it does with an order.</param>
    public static async Task<IBusControl> StartAsync(TestVirtualHost virtualHost, string type, Func<ShopOrder, Task> consume)
    {
        var bus = Bus.Factory.CreateUsingRabbitMq(rabbit =>
        {
            rabbit.Host(new Uri(virtualHost.ConnectionString("operator")));
            rabbit.ReceiveEndpoint(Input, endpoint =>
            {
                if (type == "quorum")
                    endpoint.SetQuorumQueue();
                endpoint.ConcurrentMessageLimit = 1;
                endpoint.Handler<ShopOrder>(context => consume(context.Message));
            });
        });
        await bus.StartAsync();
        return bus;
    }

    public ValueTask DisposeAsync() => VirtualHost.DisposeAsync();

    private async Task FailAsync()
    {
        var bus = await StartAsync(VirtualHost, Type, order => throw new TimeoutException($"The warehouse did not answer about order {order.Number}"));
        var endpoint = await bus.GetSendEndpoint(new Uri("exchange:" + Input));
        await endpoint.SendBatch(Enumerable.Range(0, Failed).Select(number => new ShopOrder(number)));
        await endpoint.Send(new ShopRefund(1));
        await SeeAsync(Error, Failed);
        await SeeAsync(Skipped, 1);
        await bus.StopAsync();
    }

    private async Task DeclareAsync(IChannel channel)
    {
        foreach (var (queue, arguments) in new (string, Dictionary<string, object?>)[]
        {
            (Delay, new() { ["x-message-ttl"] = 3_600_000, ["x-dead-letter-exchange"] = Input }),
            (Suspect, new() { ["x-dead-letter-exchange"] = Error }),
            ("orders_rejected", new() { ["x-dead-letter-exchange"] = Error }),
        })
        {
            if (Type == "quorum")
                arguments["x-queue-type"] = "quorum";
            await channel.QueueDeclareAsync(queue, durable: true, exclusive: false, autoDelete: false, arguments);
        }
    }

    // One letter was replayed and failed again, one was discarded: by the command on the old broker.
    private async Task ReplayOneAsync(TestBroker broker)
    {
        var command = CommandOn(broker, VirtualHost);
        var ids = (await command.RunAsync("dead-letters", "list", "--queue", Error, "--json")).Json.GetProperty("letters").EnumerateArray().Select(letter => letter.GetProperty("id").GetString()!).ToList();
        var bus = await StartAsync(VirtualHost, Type, order => throw new TimeoutException($"The warehouse did not answer about order {order.Number}"));
        (await command.RunAsync("dead-letters", "replay", "--queue", Error, "--where", $"id={ids[0]}", "--yes")).Output.ShouldContain("failed again");
        await SeeAsync(Error, Failed);
        await bus.StopAsync();
        (await command.RunAsync("dead-letters", "discard", "--queue", Error, "--where", $"id={ids[1]}", "--yes")).Code.ShouldBe(0);
        await SeeAsync(Discarded, 1);
    }

    private static async Task DeadLetterByBrokerAsync(IChannel channel)
    {
        for (var number = 0; number < Rejected; number++)
            await channel.BasicPublishAsync("", "orders_rejected", mandatory: true, new BasicProperties { MessageId = $"rejected-{number}", DeliveryMode = DeliveryModes.Persistent, ContentType = "text/plain" }, Encoding.UTF8.GetBytes($"rejected {number}"));
        for (var number = 0; number < Rejected; number++)
        {
            var message = await Eventually.SeeAsync(() => channel.BasicGetAsync("orders_rejected", autoAck: false), found => found is not null, "a message to reject");
            await channel.BasicRejectAsync(message!.DeliveryTag, requeue: false);
        }
    }

    private static IEnumerable<(BasicProperties Properties, byte[] Body)> Foreign()
    {
        var all = OrderLetters.Faulted(Guid.CreateVersion7());
        (all.Priority, all.Type, all.AppId, all.ClusterId, all.ReplyTo, all.ContentEncoding, all.Timestamp) = (7, "order", "shop", "c1", "answers", "gzip", new AmqpTimestamp(1_700_000_000));
        foreach (var (name, value) in new (string, object?)[]
        {
            ("byte", (byte)200), ("sbyte", (sbyte)-3), ("short", (short)-300), ("ushort", (ushort)60_000), ("int", -70_000), ("uint", 4_000_000_000), ("long", long.MinValue), ("float", 1.5f), ("double", -0.0),
            ("decimal", 12.345m), ("time", new AmqpTimestamp(1_600_000_000)), ("bool", true), ("void", null), ("binary", new BinaryTableValue([0, 255, 1])), ("latin", new byte[] { 0xfc, 0x00, 0xff }), ("text", "für 😀"),
            ("table", new Dictionary<string, object?> { ["a"] = 1L, ["b"] = new List<object?> { "x", 2 } }), ("list", new List<object?> { 1, "two", null }),
        })
            all.Headers![$"of type {name}"] = value;
        yield return (all, OrderLetters.Envelope(Guid.CreateVersion7(), "{ \"note\": \"für 😀\" }"));
        var transient = OrderLetters.Faulted(Guid.CreateVersion7());
        transient.DeliveryMode = DeliveryModes.Transient;
        yield return (transient, "not persistent"u8.ToArray());
        yield return (new BasicProperties { MessageId = "large" }, Enumerable.Range(0, 700_000).Select(number => (byte)number).ToArray());
        var wide = OrderLetters.Faulted(Guid.CreateVersion7());
        wide.Headers!["wide"] = new string('w', 120_000); // a frame has 131,072 bytes
        yield return (wide, "wide headers"u8.ToArray());
        // What RabbitMQ makes of an AMQP 1.0 message with a value: its encoded section.
        yield return (new BasicProperties { MessageId = "value", Type = "amqp-1.0", DeliveryMode = DeliveryModes.Persistent, Headers = new Dictionary<string, object?> { ["x-amqp-1.0-properties"] = new BinaryTableValue([0x00, 0x53, 0x73, 0x45]) } }, [0x00, 0x53, 0x77, 0xa1, 0x03, (byte)'a', (byte)'b', (byte)'c']);
        var edited = OrderLetters.Faulted(Guid.CreateVersion7());
        foreach (var (name, value) in new (string, object?)[] { ("Replay-Id", "0197f2a0.3"), ("Replay-By", "jane"), ("Replay-At", "2026-11-01T00:00:00Z"), ("Replay-Count", 2), ("Replay-History", "[]"), ("Original-User-Id", "shop") })
            edited.Headers![name] = value;
        yield return (edited, OrderLetters.Envelope(Guid.CreateVersion7(), "{ \"edited\": true }"));
        yield return (new BasicProperties(), []);
    }

    private async Task SeeAsync(string queue, long count) => await Eventually.SeeAsync(() => VirtualHost.ReadyAsync(queue), ready => ready == count, $"{count} messages in {queue}");
}
