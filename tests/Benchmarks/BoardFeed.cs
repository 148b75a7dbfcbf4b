using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using RabbitMQ.Client;
using WorkinIt.Testbed;

namespace WorkinIt.Benchmarks;

/// <summary>Measures how fast the feed fills the catalogue, and what it costs the application.</summary>
internal static class BoardFeed
{
    private const int Copied = 5_000;
    private const int Rounds = 5;

    private static readonly TimeSpan _patience = TimeSpan.FromMinutes(5);

    /// <summary>Publishes dead letters, and measures how fast they reach the catalogue. All copies wait in the feed when Web starts, so that publishing does not take part.</summary>
    public static async Task MeasureAsync(WorkinItSystem system, ServiceProcess board, DeadLetterFill fill, int letters, string version)
    {
        await board.StartAsync();
        await SeeFedAsync(system, [.. DeadLetterFill.Names]);
        await board.KillAsync(); // a host that stops in order removes the bindings of the feed
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"publishing {letters:N0} dead letters …"));
        await fill.PublishAsync(letters);
        await system.SeeReadyAsync("dead-letters.feed", letters, _patience);
        board.Launch();
        await Eventually.SeeAsync(() => system.VirtualHost.ReadyAsync("dead-letters.feed"), ready => ready < letters, "the feed is consumed", _patience);
        var (before, clock) = (ProcessFigures.Cpu(board.Id), Stopwatch.StartNew());
        await Eventually.SeeAsync(() => system.VirtualHost.ReadyAsync("dead-letters.feed"), ready => ready == 0, "the feed is empty", _patience);
        var (seconds, cpu) = (clock.Elapsed.TotalSeconds, ProcessFigures.Cpu(board.Id) - before);
        await board.SeeReadyAsync(true, _patience);
        var rate = letters / seconds;
        await PerformanceTable.WriteAsync(
            "feed: dead letters into the catalogue, on SQLite", "–", "≥ 5,000/s", string.Create(CultureInfo.InvariantCulture, $"{rate:N0}/s"), rate >= 5000,
            string.Create(CultureInfo.InvariantCulture, $"{letters:N0} in {seconds:0.0} s"), string.Create(CultureInfo.InvariantCulture, $"Web {cpu.TotalMilliseconds / letters:0.000} ms"), version);
    }

    /// <summary>
    /// Measures how fast the application gets its dead letters into the queue. It waits for the confirm of each. The exchange of the second series leads
    /// to a queue that is not a dead-letter queue.
    /// </summary>
    public static async Task MeasureCostAsync(WorkinItSystem system, ServiceProcess board, DeadLetterFill fill, string version)
    {
        await using (var channel = await system.VirtualHost.OpenChannelAsync())
        {
            foreach (var queue in new[] { "cost_error", "cost_plain" })
            {
                await channel.ExchangeDeclareAsync(queue, ExchangeType.Fanout, durable: true);
                await channel.QueueDeclareAsync(queue, durable: true, exclusive: false, autoDelete: false);
                await channel.QueueBindAsync(queue, queue, "");
            }
        }
        await SeeFedAsync(system, ["cost_error"]);
        var (fed, alone) = (new Series(), new Series());
        for (var round = 0; round < Rounds; round++)
        {
            await MeasureAsync("cost_error", fed);
            await MeasureAsync("cost_plain", alone);
        }
        var ratio = fed.Median / alone.Median;
        await PerformanceTable.WriteAsync(
            "the application's way into its error queue while the catalogue is fed, 16 at a time", "the same exchange without the feed", "≥ 0.9", PerformanceTable.Ratio(ratio), ratio >= 0.9,
            $"{fed.Text} vs {alone.Text}", $"{fed.Cpu}; vs {alone.Cpu}", version);

        async Task MeasureAsync(string exchange, Series series)
        {
            var (clock, cpu) = (Stopwatch.StartNew(), new CpuClock(("application", Environment.ProcessId), ("broker", system.Broker.ProcessId), ("Web", board.Id)));
            await fill.PublishToAsync(exchange, Copied, outstanding: 16);
            var seconds = clock.Elapsed.TotalSeconds;
            // With what the copies still cost afterwards.
            await Eventually.SeeAsync(() => system.VirtualHost.ReadyAsync("dead-letters.feed"), ready => ready == 0, "the feed is empty", _patience);
            series.Add(Copied / seconds, cpu.PerItem(Copied));
            await using var channel = await system.VirtualHost.OpenChannelAsync();
            await channel.QueuePurgeAsync(exchange);
        }
    }

    private static Task<JsonElement> SeeFedAsync(WorkinItSystem system, IReadOnlyCollection<string> exchanges) => Eventually.SeeAsync(
        () => system.VirtualHost.ManagementAsync("bindings/{vhost}"),
        bindings => exchanges.All(bindings.EnumerateArray().Where(binding => binding.GetProperty("destination").GetString() == "dead-letters.feed").Select(binding => binding.GetProperty("source").GetString()!).ToHashSet().Contains),
        $"{string.Join(", ", exchanges)} are fed", TimeSpan.FromSeconds(30));
}
