using System.Diagnostics;
using System.Globalization;
using System.Text;
using RabbitMQ.Client;
using RabbitMQ.Client.Events;
using WorkinIt.Testbed;

namespace WorkinIt.Benchmarks;

/// <summary>
/// Measures the operator's command on a full dead-letter queue, compared with a bare loop of RabbitMQ.Client that moves the same messages (mandatory,
/// confirmed, then acked, pipelined). The rounds alternate on the same queues.
/// </summary>
internal static class Replay
{
    private const int Rounds = 3;
    private const int Outstanding = 256;

    public static async Task<int> RunAsync(int count, string type)
    {
        using var broker = TestBroker.FromEnvironment();
        await using var virtualHost = await broker.CreateVirtualHostAsync();
        await using var channel = await virtualHost.OpenChannelAsync();
        foreach (var (queue, queueType) in new[] { ("orders", "quorum"), ("orders_error", type) })
        {
            await channel.ExchangeDeclareAsync(queue, ExchangeType.Fanout, durable: true);
            await channel.QueueDeclareAsync(queue, durable: true, exclusive: false, autoDelete: false, new Dictionary<string, object?> { ["x-queue-type"] = queueType });
            await channel.QueueBindAsync(queue, queue, "");
        }
        var operate = new OperatorCommand(new Dictionary<string, string>
        {
            ["ConnectionStrings__RabbitMq"] = virtualHost.ConnectionString("operator"),
            ["RabbitMqManagement__Url"] = broker.Management.BaseAddress!.ToString(),
            ["DeadLetters__AuditFile"] = Path.Combine(Path.GetTempPath(), $"workinit-audit-{Guid.NewGuid():N}.jsonl"),
        });

        await FillAsync(channel, count);
        await SeeAsync(virtualHost, "orders_error", count);
        Console.WriteLine($"{count:N0} dead letters of 1.5 kB in a {type} queue, RabbitMQ {await broker.VersionAsync()}, {Environment.ProcessorCount} cores for everything together.\n");
        Console.WriteLine("| look | seconds | peak memory |\n|---|---|---|");
        foreach (var (what, arguments) in new (string, string[])[]
        {
            ("first page of 50", ["list", "--queue", "orders_error"]),
            ("the same again", ["list", "--queue", "orders_error"]),
            ("groups by cause, all of them", ["list", "--queue", "orders_error", "--groups"]),
            ("filter by text, all of them", ["list", "--queue", "orders_error", "--where", "text=nothing like it"]),
            ("first page after that", ["list", "--queue", "orders_error"]),
        })
        {
            var (took, memory) = await MeasureAsync(operate, arguments);
            Console.WriteLine($"| {what} | {took.TotalSeconds:0.0} | {memory:0} MiB |");
        }

        Console.WriteLine("\n| move all | messages a second | peak memory |\n|---|---|---|");
        var (bare, replay, beyondStart) = (new Series(), new Series(), new Series());
        string[] all = ["replay", "--queue", "orders_error", "--all", "--yes", "--wait", "0"];
        for (var round = 1; round <= Rounds; round++)
        {
            await SeeAsync(virtualHost, "orders_error", count);
            var (took, memory) = await MeasureAsync(operate, all);
            replay.Add(count / took.TotalSeconds);
            Console.WriteLine($"| workinit replay, start of the process and audit included | {count / took.TotalSeconds:N0} | {memory:0} MiB |");
            await RefillAsync(channel, virtualHost, 1);
            var (tookOne, _) = await MeasureAsync(operate, all);
            beyondStart.Add((count - 1) / (took - tookOne).TotalSeconds);
            Console.WriteLine($"| without the command's start ({tookOne.TotalSeconds:0.00} s) | {(count - 1) / (took - tookOne).TotalSeconds:N0} | |");
            await RefillAsync(channel, virtualHost, count);

            var clock = Stopwatch.StartNew();
            await MoveAsync(virtualHost, "orders_error", "orders", count);
            var seconds = clock.Elapsed.TotalSeconds;
            bare.Add(count / seconds);
            Console.WriteLine($"| bare loop | {count / seconds:N0} | |");
            await RefillAsync(channel, virtualHost, count);
        }
        var ratio = beyondStart.Median / bare.Median;
        await PerformanceTable.WriteAsync(
            string.Create(CultureInfo.InvariantCulture, $"replay of {count:N0} dead letters in a {type} queue, audit included, without the command's start"),
            "bare loop: publish mandatory and confirmed, ack, pipelined", "≥ 0.8", PerformanceTable.Ratio(ratio), ratio >= 0.8, $"{beyondStart.Text} vs {bare.Text}; with the command's start {replay.Text}",
            broker: await broker.VersionAsync());
        return 0;
    }

    private static async Task<(TimeSpan Took, double MemoryMiB)> MeasureAsync(OperatorCommand operate, string[] arguments)
    {
        var clock = Stopwatch.StartNew();
        using var process = operate.Start(["dead-letters", .. arguments]);
        process.StandardInput.Close();
        var (output, errors) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        var peak = 0.0;
        while (!process.HasExited)
        {
            peak = Math.Max(peak, ProcessFigures.PeakMemory(process.Id));
            await Task.Delay(20);
        }
        var took = clock.Elapsed;
        await output;
        return process.ExitCode == 0 ? (took, peak) : throw new InvalidOperationException(await errors);
    }

    private static async Task FillAsync(IChannel channel, int count)
    {
        var outstanding = new Queue<Task>();
        var filler = new string('x', 400);
        for (var number = 0; number < count; number++)
        {
            var id = Guid.CreateVersion7();
            var properties = new BasicProperties
            {
                MessageId = id.ToString(),
                ContentType = "application/vnd.masstransit+json",
                DeliveryMode = DeliveryModes.Persistent,
                Headers = new Dictionary<string, object?>
                {
                    ["MT-Reason"] = "fault",
                    ["MT-Fault-ExceptionType"] = "System.TimeoutException",
                    ["MT-Fault-Message"] = $"The shop did not answer within {number} ms ({number % 7})",
                    ["MT-Fault-StackTrace"] = filler,
                    ["MT-Fault-Timestamp"] = DateTimeOffset.UnixEpoch.AddSeconds(number).ToString("O", CultureInfo.InvariantCulture),
                    ["MT-Fault-InputAddress"] = "rabbitmq://localhost/orders",
                    ["MT-Fault-MessageType"] = "Orders:PlaceOrder",
                },
            };
            var body = Encoding.UTF8.GetBytes($$"""{ "messageId": "{{id}}", "messageType": ["urn:message:Orders:PlaceOrder"], "message": { "number": {{number}}, "note": "{{filler}}" } }""");
            outstanding.Enqueue(channel.BasicPublishAsync("", "orders_error", mandatory: true, properties, body).AsTask());
            if (outstanding.Count >= Outstanding)
                await outstanding.Dequeue();
        }
        await Task.WhenAll(outstanding);
    }

    // Uses fresh messages, because messages that were moved have a replay stamp.
    private static async Task RefillAsync(IChannel channel, TestVirtualHost virtualHost, int count)
    {
        await channel.QueuePurgeAsync("orders");
        await channel.QueuePurgeAsync("orders_error");
        await FillAsync(channel, count);
        await SeeAsync(virtualHost, "orders_error", count);
    }

    private static async Task MoveAsync(TestVirtualHost virtualHost, string from, string to, int count)
    {
        await using var connection = await new ConnectionFactory { Uri = new Uri(virtualHost.ConnectionString("operator")) }.CreateConnectionAsync("bare loop, publish");
        await using var publish = await connection.CreateChannelAsync(
            new CreateChannelOptions(publisherConfirmationsEnabled: true, publisherConfirmationTrackingEnabled: true, outstandingPublisherConfirmationsRateLimiter: null));
        await using var take = await virtualHost.OpenChannelAsync();
        var done = new TaskCompletionSource();
        var outstanding = new Queue<(ulong Tag, Task Confirm)>();
        var moved = 0;
        var consumer = new AsyncEventingBasicConsumer(take);
        consumer.ReceivedAsync += async (_, delivery) =>
        {
            outstanding.Enqueue((delivery.DeliveryTag, publish.BasicPublishAsync(to, "", mandatory: true, new BasicProperties(delivery.BasicProperties), delivery.Body.ToArray()).AsTask()));
            while (outstanding.Count > 0 && (outstanding.Count >= Outstanding || outstanding.Peek().Confirm.IsCompleted || moved + outstanding.Count == count))
            {
                var (tag, confirm) = outstanding.Dequeue();
                await confirm;
                await take.BasicAckAsync(tag, multiple: false);
                if (++moved == count)
                    done.SetResult();
            }
        };
        await take.BasicQosAsync(0, 1000, global: false);
        await take.BasicConsumeAsync(from, autoAck: false, consumer);
        await done.Task;
    }

    private static Task<long> SeeAsync(TestVirtualHost virtualHost, string queue, int count) =>
        Eventually.SeeAsync(() => virtualHost.ReadyAsync(queue), ready => ready == count, $"{count} messages in {queue}", TimeSpan.FromMinutes(2));
}
