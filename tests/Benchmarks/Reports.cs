using System.Globalization;
using WorkinIt.Dev.Machine;
using WorkinIt.Testbed;

namespace WorkinIt.Benchmarks;

/// <summary>
/// Measures what <c>UseReplayReports()</c> costs an application for messages that were not replayed: an empty consumer with it, compared with the same
/// without it.
/// </summary>
internal static class Reports
{
    private const int Rounds = 5;
    private const double Target = 0.99;

    /// <summary>The number of measured messages; before them, twice as many warm up the process.</summary>
    public const int Measured = 60_000;

    public static async Task<int> RunAsync(int measured)
    {
        await using var system = await WorkinItSystem.CreateAsync();
        await system.PrepareAsync();
        var (with, without) = (new Series(), new Series());
        var (allocatedWith, allocatedWithout) = (new List<double>(), new List<double>());
        for (var round = 1; round <= Rounds; round++)
        {
            Console.WriteLine($"round {round} of {Rounds} …");
            (string Kind, Series Series, List<double> Allocated)[] sides = [(ConsumersHost.Reporting, with, allocatedWith), (ConsumersHost.NoWork, without, allocatedWithout)];
            foreach (var side in round % 2 == 0 ? sides : sides.Reverse())
            {
                await Commands.FillAsync(system.VirtualHost, 3 * measured);
                var port = Ports.TakeFree();
                await using var host = ConsumersHost.Start(side.Kind, system, smtpPort: 1, port);
                await Drain.MeasureAsync(system.VirtualHost, measured, side.Series, ("application", host.Id), ("broker", system.Broker.ProcessId));
                side.Allocated.Add(await ConsumersHost.AllocatedAsync(port) / (3.0 * measured));
            }
        }
        var ratio = with.Median / without.Median;
        await PerformanceTable.WriteAsync(
            "UseReplayReports: an empty consumer of messages that were not replayed", "the same without it", "≥ 0.99", PerformanceTable.Ratio(ratio), ratio >= Target,
            string.Create(CultureInfo.InvariantCulture, $"{with.Text} vs {without.Text}; allocated for one {Series.MedianOf(allocatedWith):N0} bytes vs {Series.MedianOf(allocatedWithout):N0}"),
            $"{with.Cpu}; vs {without.Cpu}", await system.Broker.VersionAsync());
        return 0;
    }
}
