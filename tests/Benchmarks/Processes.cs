using System.Diagnostics;
using System.Globalization;
using WorkinIt.Messaging;
using WorkinIt.Testbed;

namespace WorkinIt.Benchmarks;

/// <summary>
/// Measures one, two and four Consumers with a mail server that takes 200 ms for each mail, and the ledger on PostgreSQL: whether the throughput doubles
/// with the number of processes.
/// </summary>
internal static class Processes
{
    private const int Rounds = 3;
    private const int SecondsMeasured = 8;
    private const int SecondsWarmUp = 45; // until then, the just-in-time compilers of four processes compete for the cores

    private static readonly int[] _counts = [1, 2, 4];
    private static readonly TimeSpan _timePerStage = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan _timePerMail = 4 * _timePerStage; // MAIL, RCPT, DATA, the dot

    public static async Task<int> RunAsync()
    {
        await using var postgres = await PostgresServer.CreateAsync();
        await using var system = await WorkinItSystem.CreateAsync();
        system.Settings["ConnectionStrings__Deliveries"] = postgres.ConnectionString;
        await system.PrepareAsync();
        system.Mail.OnMail = _ => SmtpBehaviour.Slow(_timePerStage);

        var series = _counts.ToDictionary(count => count, _ => new Series());
        for (var round = 1; round <= Rounds; round++)
        {
            Console.WriteLine($"round {round} of {Rounds} …");
            await MeasureAsync(system, series);
        }
        var (twice, fourTimes) = (series[2].Median / series[1].Median, series[4].Median / series[2].Median);
        await PerformanceTable.WriteAsync(
            "1, 2, 4 Consumers, a mail server that takes 200 ms, ledger on PostgreSQL", "half as many Consumers", "≥ 1.9 each", $"{PerformanceTable.Ratio(twice)}, {PerformanceTable.Ratio(fourTimes)}",
            Math.Min(twice, fourTimes) >= 1.9, string.Join("; ", _counts.Select(count => $"{count}: {series[count].Text}")),
            string.Join("; ", _counts.Select(count => $"{count}: {series[count].Cpu}")), await system.Broker.VersionAsync());
        return 0;
    }

    // All processes start and warm up together. Then half of them are stopped, and half of the rest again.
    private static async Task MeasureAsync(WorkinItSystem system, Dictionary<int, Series> series)
    {
        var perSecond = 1 / _timePerMail.TotalSeconds * 16; // the maximum of one process: 16 mails at a time
        var processes = Enumerable.Range(0, _counts.Max()).Select(_ => system.NewConsumers()).ToList();
        await Commands.FillAsync(system.VirtualHost, (int)(processes.Count * perSecond * (SecondsWarmUp + (SecondsMeasured * _counts.Length))));
        try
        {
            await Task.WhenAll(processes.Select(process => process.StartAsync()));
            await Task.Delay(TimeSpan.FromSeconds(SecondsWarmUp));
            foreach (var count in _counts.OrderDescending())
            {
                await Task.WhenAll(processes[count..].Select(process => process.StopAsync()));
                processes.RemoveRange(count, processes.Count - count);
                await Task.Delay(TimeSpan.FromSeconds(1)); // until the messages that they returned are redelivered to the others
                var (before, clock) = (system.Mail.MailCount, Stopwatch.StartNew());
                var cpu = new CpuClock([.. processes.Select(process => ("Consumers", process.Id)), ("broker", system.Broker.ProcessId)]);
                await Task.Delay(TimeSpan.FromSeconds(SecondsMeasured));
                var mails = system.Mail.MailCount - before;
                series[count].Add(mails / clock.Elapsed.TotalSeconds, cpu.PerItem(mails));
            }
            if (await system.VirtualHost.ReadyAsync(QueueTopology.InputQueue) == 0)
                throw new InvalidOperationException("The queue was empty before the end of the measurement, so the figure would be too low");
        }
        finally
        {
            await Task.WhenAll(processes.Select(process => process.StopAsync()));
            system.Mail.Clear();
            await Commands.EmptyAsync(system.VirtualHost);
        }
    }
}
