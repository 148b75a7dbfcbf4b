using System.Diagnostics;
using System.Globalization;
using WorkinIt.Messaging;
using WorkinIt.Testbed;

namespace WorkinIt.Benchmarks;

/// <summary>One, two and four Consumers with a mail server that takes 200 ms for each mail, and the ledger on PostgreSQL: whether twice the processes do twice the work.</summary>
internal static class Processes
{
    private const int Rounds = 3;
    private const int SecondsMeasured = 8;

    private static readonly int[] _counts = [1, 2, 4];
    private static readonly TimeSpan _stageTakes = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan _mailTakes = 4 * _stageTakes; // MAIL, RCPT, DATA, the dot

    public static async Task<int> RunAsync()
    {
        await using var postgres = await PostgresServer.CreateAsync();
        await using var system = await WorkinItSystem.CreateAsync();
        system.Settings["ConnectionStrings__Deliveries"] = postgres.ConnectionString;
        await Task.WhenAll(system.DeployAsync(), system.MigrateAsync());
        system.Mail.OnMail = _ => SmtpBehaviour.Slow(_stageTakes);

        var series = _counts.ToDictionary(count => count, _ => new Series());
        for (var round = 1; round <= Rounds; round++)
        {
            Console.WriteLine($"round {round} of {Rounds} …");
            foreach (var count in _counts)
                await MeasureAsync(system, count, series[count]);
        }
        var (twice, fourTimes) = (series[2].Median / series[1].Median, series[4].Median / series[2].Median);
        await PerformanceTable.WriteAsync(
            "1, 2, 4 Consumers, a mail server that takes 200 ms, ledger on PostgreSQL", "half as many Consumers", "≥ 1.9 each", $"{PerformanceTable.Ratio(twice)}, {PerformanceTable.Ratio(fourTimes)}",
            Math.Min(twice, fourTimes) >= 1.9, string.Join("; ", _counts.Select(count => $"{count}: {series[count].Text}")),
            string.Join("; ", _counts.Select(count => $"{count}: {series[count].Cpu}")), await system.Broker.VersionAsync());
        return 0;
    }

    private static async Task MeasureAsync(WorkinItSystem system, int count, Series series)
    {
        var perSecond = 1 / _mailTakes.TotalSeconds * 16; // one process can't do more
        await Commands.FillAsync(system.VirtualHost, (int)(count * perSecond * (SecondsMeasured + 10)));
        var processes = Enumerable.Range(0, count).Select(_ => system.NewConsumers()).ToArray();
        try
        {
            await Task.WhenAll(processes.Select(process => process.StartAsync()));
            await Task.Delay(TimeSpan.FromSeconds(2)); // all connections to the mail server are open
            var (before, clock) = (system.Mail.MailCount, Stopwatch.StartNew());
            var cpu = new CpuClock([.. processes.Select(process => ("Consumers", process.Id)), ("broker", system.Broker.ProcessId)]);
            await Task.Delay(TimeSpan.FromSeconds(SecondsMeasured));
            var mails = system.Mail.MailCount - before;
            series.Add(mails / clock.Elapsed.TotalSeconds, cpu.PerItem(mails));
            if (await system.VirtualHost.ReadyAsync(QueueTopology.InputQueue) == 0)
                throw new InvalidOperationException("The queue was empty before the time was over: the figure would be too low");
        }
        finally
        {
            await Task.WhenAll(processes.Select(process => process.StopAsync()));
            system.Mail.Clear();
        }
    }
}
