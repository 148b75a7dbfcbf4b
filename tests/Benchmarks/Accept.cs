using System.Globalization;
using WorkinIt.Dev;
using WorkinIt.Messaging;
using WorkinIt.Testbed;

namespace WorkinIt.Benchmarks;

/// <summary>Measures how fast submissions are accepted, including the commit to the store, compared with an empty response of the same process.</summary>
internal static class Accept
{
    private const int Rounds = 3;
    private const int Seconds = 8;
    private const int WarmUpSeconds = 12; // until the just-in-time compiler has finished
    private const int Pause = 64; // milliseconds between requests, so that 32 connections stay below the machine's capacity

    public static async Task<int> RunAsync()
    {
        var (sink, port) = await OtherProgram.StartSinkAsync();
        await using var running = sink;
        var (system, web, consumers) = await WorkinItSystem.StartAsync(
            ("Smtp__Port", port.ToString(CultureInfo.InvariantCulture)), ("Limits__PerRecipientPerHour", "5")); // as shipped; the limit per client is disabled, because it would stop the measurement
        await using var all = system;
        await WrkAsync(web, "get", 3);
        await WrkAsync(web, "post", WarmUpSeconds);

        var (empty, accept, together, paced) = (new Series(), new Series(), new Series(), new Series());
        List<double> p99 = [], p50 = [], pacedP99 = [], pacedP50 = [];
        for (var round = 1; round <= Rounds; round++)
        {
            Console.WriteLine($"round {round} of {Rounds} …");
            await consumers.StopAsync();
            await PurgeAsync(system);
            var cpu = new CpuClock(("Web", web.Id));
            var figures = await WrkAsync(web, "get", Seconds);
            empty.Add(figures.Rate, cpu.PerItem(figures.Requests));

            cpu = new CpuClock(("Web", web.Id), ("broker", system.Broker.ProcessId));
            figures = await WrkAsync(web, "post", Seconds);
            accept.Add(figures.Rate, cpu.PerItem(figures.Requests));

            await consumers.StartAsync();
            await WrkAsync(web, "post", WarmUpSeconds);
            await PurgeAsync(system);
            cpu = new CpuClock(("Web", web.Id), ("Consumers", consumers.Id), ("broker", system.Broker.ProcessId));
            figures = await WrkAsync(web, "post", Seconds);
            together.Add(figures.Rate, cpu.PerItem(figures.Requests));
            p50.Add(figures.P50);
            p99.Add(figures.P99);

            await PurgeAsync(system);
            cpu = new CpuClock(("Web", web.Id), ("Consumers", consumers.Id), ("broker", system.Broker.ProcessId));
            figures = await WrkAsync(web, "post", Seconds, Pause);
            paced.Add(figures.Rate, cpu.PerItem(figures.Requests));
            pacedP50.Add(figures.P50);
            pacedP99.Add(figures.P99);
        }
        var version = await system.Broker.VersionAsync();
        await PerformanceTable.WriteAsync(
            "POST /api/submissions accepted, 32 connections, outbox running", "GET /health/live of the same process, idle", "≥ 0.25", PerformanceTable.Ratio(accept.Median / empty.Median),
            accept.Median / empty.Median >= 0.25, $"{accept.Text} vs {empty.Text}", $"{accept.Cpu}; vs {empty.Cpu}", version);
        await P99Async("p99 of that POST, Consumers running", p50, p99, together, version);
        await P99Async("p99 of that POST, Consumers running, with pauses (below the machine's capacity)", pacedP50, pacedP99, paced, version);
        return 0;
    }

    private static Task P99Async(string what, List<double> p50, List<double> p99, Series rate, string version)
    {
        var slow = Series.MedianOf(p99);
        return PerformanceTable.WriteAsync(
            what, "–", "≤ 8 ms", string.Create(CultureInfo.InvariantCulture, $"{slow:0.0} ms"), slow <= 8,
            string.Create(CultureInfo.InvariantCulture, $"p50 {Series.MedianOf(p50):0.0} ms, p99 {slow:0.0} ms ({p99.Min():0.0}–{p99.Max():0.0}) at {rate.Text}"), rate.Cpu, version);
    }

    // Purges what the last round has left, so that only the work of the current round runs in the background.
    internal static Task<long> PurgeAsync(WorkinItSystem system) => Eventually.SeeAsync(
        async () =>
        {
            await using var channel = await system.VirtualHost.OpenChannelAsync();
            var purged = await channel.QueuePurgeAsync(QueueTopology.InputQueue);
            await Task.Delay(1500); // the outbox checks for unpublished submissions once a second
            return purged + await system.VirtualHost.ReadyAsync(QueueTopology.InputQueue);
        },
        left => left == 0, $"nothing left to publish, and {QueueTopology.InputQueue} empty", TimeSpan.FromMinutes(3));

    internal static async Task<(double Requests, double Rate, double P50, double P99)> WrkAsync(ServiceProcess web, string kind, int seconds, int pause = 0)
    {
        var script = Path.Combine(Repository.Root, "tests", "Benchmarks", "Peers", "submit.lua");
        await using var wrk = OtherProgram.Start(
            "wrk", ["-t", "1", "-c", "32", "-d", $"{seconds}s", "-s", script, web.Address.ToString().TrimEnd('/'), "--", kind],
            new Dictionary<string, string> { ["PAUSE"] = pause.ToString(CultureInfo.InvariantCulture) });
        var output = await wrk.EndAsync();
        var figures = output.Split('\n').Single(line => line.StartsWith("figures ", StringComparison.Ordinal)).Split(' ')[1..]
            .Select(number => double.Parse(number, CultureInfo.InvariantCulture)).ToArray();
        if (figures[2] > 0)
            throw new InvalidOperationException($"{figures[2]} of {figures[0]} requests failed:\n{output}");
        return (figures[0], figures[0] / (figures[1] / 1e6), figures[3] / 1000, figures[4] / 1000);
    }
}
