using System.Diagnostics;
using System.Globalization;
using RabbitMQ.Client;
using RabbitMQ.Client.Events;
using WorkinIt.Testbed;

namespace WorkinIt.Benchmarks;

/// <summary>
/// Shows what a copy of each dead letter costs the application, by the type of the queue that gets the copies, without a consumer and with one that only
/// acknowledges. The rounds alternate. It prints a table and writes no row.
/// </summary>
internal static class FeedCost
{
    private const int Rounds = 7;
    private const string Copies = "copies";

    private static readonly (string Name, string? Type, bool IsDurable)[] _queues =
    [
        ("no second queue", null, false),
        ("classic, not durable (as the feed)", "classic", false),
        ("classic, durable", "classic", true),
        ("quorum", "quorum", true),
        ("stream", "stream", true),
    ];

    /// <summary>Measures all types.</summary>
    /// <param name="count">How many dead letters in a round.</param>
    public static async Task<int> RunAsync(int count)
    {
        using var broker = TestBroker.FromEnvironment();
        await using var virtualHost = await broker.CreateVirtualHostAsync();
        var fill = new DeadLetterFill(virtualHost);
        await using var channel = await virtualHost.OpenChannelAsync();
        await channel.ExchangeDeclareAsync("orders_error", ExchangeType.Fanout, durable: true);
        await channel.QueueDeclareAsync("orders_error", durable: true, exclusive: false, autoDelete: false);
        await channel.QueueBindAsync("orders_error", "orders_error", "");
        await fill.PublishToAsync("orders_error", count, 16); // warm-up
        var all = _queues.SelectMany(queue => new[] { false, true }.Where(consumed => queue.Type is not null || !consumed).Select(consumed => (Queue: queue, IsConsumed: consumed, Alone: new Series(), Together: new Series()))).ToList();
        for (var round = 0; round < Rounds; round++)
        {
            foreach (var one in round % 2 == 0 ? all : Enumerable.Reverse(all))
            {
                await MeasureAsync(one.Queue, one.IsConsumed, 1, count / 5, one.Alone);
                await MeasureAsync(one.Queue, one.IsConsumed, 16, count, one.Together);
            }
        }
        Console.WriteLine($"RabbitMQ {await broker.VersionAsync()}, {Environment.ProcessorCount} cores for everything together, {count} dead letters a round, {Rounds} rounds\n");
        Console.WriteLine("| copies go to | consumer | one at a time | 16 at a time | CPU time per dead letter, 16 at a time |\n|---|---|---|---|---|");
        foreach (var one in all)
        {
            string Of(Series series, Series peer) => string.Create(CultureInfo.InvariantCulture, $"{series.Median / peer.Median:0.00}: {series.Text}");
            Console.WriteLine($"| {one.Queue.Name} | {(one.IsConsumed ? "acknowledges" : "none")} | {Of(one.Alone, all[0].Alone)} | {Of(one.Together, all[0].Together)} | {one.Together.Cpu} |");
        }
        return 0;

        async Task MeasureAsync((string Name, string? Type, bool IsDurable) queue, bool isConsumed, int outstanding, int messages, Series series)
        {
            if (queue.Type is not null)
            {
                await channel.QueueDeclareAsync(Copies, queue.IsDurable, exclusive: false, autoDelete: false, new Dictionary<string, object?> { ["x-queue-type"] = queue.Type });
                await channel.QueueBindAsync(Copies, "orders_error", "");
            }
            using var consumer = isConsumed ? await ConsumeAsync(virtualHost) : null;
            var (clock, cpu) = (Stopwatch.StartNew(), new CpuClock([("application", Environment.ProcessId), ("broker", broker.ProcessId), .. consumer is null ? [] : new[] { ("consumer", consumer.Id) }]));
            await fill.PublishToAsync("orders_error", messages, outstanding);
            var seconds = clock.Elapsed.TotalSeconds;
            if (isConsumed && queue.Type != "stream")
                await Eventually.SeeAsync(() => virtualHost.ReadyAsync(Copies), ready => ready == 0, "the copies are consumed");
            series.Add(messages / seconds, cpu.PerItem(messages));
            consumer?.Kill();
            await (consumer?.WaitForExitAsync() ?? Task.CompletedTask);
            if (queue.Type is not null)
                await channel.QueueDeleteAsync(Copies);
            await channel.QueuePurgeAsync("orders_error");
        }
    }

    /// <summary>The consumer in a process of its own: acknowledges in batches, and does nothing else.</summary>
    /// <param name="address">The AMQP address.</param>
    public static async Task<int> ConsumeAsync(Uri address)
    {
        await using var connection = await new ConnectionFactory { Uri = address }.CreateConnectionAsync();
        await using var channel = await connection.CreateChannelAsync();
        await channel.BasicQosAsync(0, 1000, global: false);
        var consumer = new AsyncEventingBasicConsumer(channel);
        var received = 0;
        var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(100));
        ulong last = 0, acked = 0;
        consumer.ReceivedAsync += async (_, delivery) =>
        {
            last = delivery.DeliveryTag;
            if (++received % 500 == 0)
                await channel.BasicAckAsync(acked = last, multiple: true);
        };
        await channel.BasicConsumeAsync(Copies, autoAck: false, consumer);
        Console.WriteLine("consuming");
        while (await timer.WaitForNextTickAsync())
        {
            if (last > acked)
                await channel.BasicAckAsync(acked = last, multiple: true);
        }
        return 0;
    }

    private static async Task<Process> ConsumeAsync(TestVirtualHost virtualHost)
    {
        var start = new ProcessStartInfo("dotnet", [typeof(FeedCost).Assembly.Location, "consume", virtualHost.ConnectionString("operator")]) { RedirectStandardOutput = true };
        var process = Process.Start(start)!;
        await process.StandardOutput.ReadLineAsync();
        return process;
    }
}
