using System.Diagnostics;
using System.Globalization;
using WorkinIt.Messaging;
using WorkinIt.Testbed;

namespace WorkinIt.Benchmarks;

/// <summary>Measures Consumers with a backlog of 1,000,000 messages, compared with one of 10,000, in windows of 60 s.</summary>
internal static class Backlog
{
    private const int Small = 10_000;
    private const int Large = 1_000_000;

    private static readonly TimeSpan _warmUp = TimeSpan.FromSeconds(25); // until the just-in-time compiler has finished
    private static readonly TimeSpan _window = TimeSpan.FromSeconds(60);

    public static async Task<int> RunAsync()
    {
        await using var system = await WorkinItSystem.CreateAsync();
        await system.PrepareAsync();
        var (sink, port) = await OtherProgram.StartSinkAsync();
        await using var running = sink;
        system.Settings["Smtp__Port"] = port.ToString(CultureInfo.InvariantCulture);

        var few = await MeasureAsync(system, Small);
        var many = await MeasureAsync(system, Large);
        var (rate, memory) = (many.Rate / few.Rate, many.MiB / few.MiB);
        await PerformanceTable.WriteAsync(
            "a backlog of 1,000,000 messages: mails a second, memory of Consumers", "a backlog of 10,000", "both within 10 %",
            $"{PerformanceTable.Ratio(rate)}, {PerformanceTable.Ratio(memory)}", Math.Abs(1 - rate) <= 0.1 && Math.Abs(1 - memory) <= 0.1,
            string.Create(CultureInfo.InvariantCulture, $"{many.Rate:N0}/s and {many.MiB:0} MiB vs {few.Rate:N0}/s and {few.MiB:0} MiB"), broker: await system.Broker.VersionAsync());
        return 0;
    }

    private static async Task<(double Rate, double MiB)> MeasureAsync(WorkinItSystem system, int backlog)
    {
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"a backlog of {backlog:N0} …"));
        await Commands.FillAsync(system.VirtualHost, backlog);
        using var ended = new CancellationTokenSource();
        var topUp = TopUpAsync(system.VirtualHost, backlog, ended.Token);
        var consumers = system.NewConsumers();
        await consumers.StartAsync();
        await Task.Delay(_warmUp);

        // Progress is measured by the status events, which no service consumes here: exactly one for each mail.
        var (before, clock) = (await system.VirtualHost.ReadyAsync(QueueTopology.StatusQueue), Stopwatch.StartNew());
        await Task.Delay(_window);
        var done = await system.VirtualHost.ReadyAsync(QueueTopology.StatusQueue) - before;
        var result = (done / clock.Elapsed.TotalSeconds, ProcessFigures.PeakMemory(consumers.Id));
        await ended.CancelAsync();
        await topUp;
        await consumers.StopAsync();
        return result;
    }

    // Keeps the backlog at its size: a small one would be empty long before the end of the window. The large one is treated equally, because publishing
    // takes time, too.
    private static async Task TopUpAsync(TestVirtualHost virtualHost, int backlog, CancellationToken ended)
    {
        while (!ended.IsCancellationRequested)
        {
            var missing = backlog - await virtualHost.ReadyAsync(QueueTopology.InputQueue);
            if (missing > 0)
                await Commands.PublishAsync(virtualHost, (int)missing);
            await Task.Delay(200, CancellationToken.None);
        }
    }
}
