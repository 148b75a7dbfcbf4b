using System.Diagnostics;
using System.Globalization;
using WorkinIt.Benchmarks.Peers;
using WorkinIt.Testbed;

namespace WorkinIt.Benchmarks;

/// <summary>
/// Measures from the queue to a mail server that accepts everything immediately (smtp-sink), compared with smtp-source, which sends the same bytes
/// without a queue, and with Sidekiq.
/// </summary>
internal static class Mails
{
    private const int Rounds = 3;
    private const int Measured = 10_000;
    private const int WarmUp = 24_000; // the just-in-time compiler uses a core for the first 15 s
    private const int MeasuredLarge = 600;
    private const int WarmUpLarge = 2_800;
    private const int MeasuredSidekiq = 1_500;
    private const int SourceSessions = 8;

    /// <summary>Measures small mails.</summary>
    public static async Task<int> RunAsync()
    {
        await using var system = await WorkinItSystem.CreateAsync();
        await system.PrepareAsync();
        var (sink, port) = await OtherProgram.StartSinkAsync();
        await using var running = sink;
        var size = await SizeAsync(system, ConsumersHost.SmallMail);
        await using var sidekiq = await SidekiqPeer.StartAsync(port, size);

        var (ours, withoutLedger, source, sidekiqDefaults, noDelay) = (new Series(), new Series(), new Series(), new Series(), new Series());
        for (var round = 1; round <= Rounds; round++)
        {
            Console.WriteLine($"round {round} of {Rounds} …");
            await MeasureAsync(system, ConsumersHost.SmallMail, WarmUp, Measured, ours, sink, port);
            await MeasureAsync(system, ConsumersHost.SmallMailWithoutLedger, WarmUp, Measured, withoutLedger, sink, port);
            await SourceAsync(size, 3 * Measured, source, sink, port);
            await sidekiq.MeasureAsync(MeasuredSidekiq, noDelay: false, sidekiqDefaults);
            await sidekiq.MeasureAsync(MeasuredSidekiq, noDelay: true, noDelay);
        }

        var version = await system.Broker.VersionAsync();
        var mail = string.Create(CultureInfo.InvariantCulture, $"queue → mail of {size / 1024.0:0.0} KiB, ledger on");
        await WriteAsync(mail, "smtp-source, 8 sessions", "≥ 0.4", ours, source, 0.4, version);
        await WriteAsync($"{mail} ", "Sidekiq 6.4 and the mail gem with defaults, 10 threads", "≥ 25", ours, sidekiqDefaults, 25, version);
        await WriteAsync($"{mail}  ", "Sidekiq with TCP_NODELAY, 10 threads", "≥ 12", ours, noDelay, 12, version);
        var cost = 1 - (ours.Median / withoutLedger.Median);
        await PerformanceTable.WriteAsync(
            "the ledger (SQLite)", "the same mails without it", "costs ≤ 15 %", string.Create(CultureInfo.InvariantCulture, $"{100 * cost:0} %"), cost <= 0.15,
            $"{ours.Text} vs {withoutLedger.Text}", $"{ours.Cpu}; vs {withoutLedger.Cpu}", version);
        return 0;
    }

    /// <summary>Measures mails with a GIF of 700 KB.</summary>
    public static async Task<int> RunLargeAsync()
    {
        await using var system = await WorkinItSystem.CreateAsync();
        await system.PrepareAsync();
        var (sink, port) = await OtherProgram.StartSinkAsync();
        await using var running = sink;
        var size = await SizeAsync(system, ConsumersHost.LargeMail);
        var (ours, source) = (new Series(), new Series());
        for (var round = 1; round <= Rounds; round++)
        {
            Console.WriteLine($"round {round} of {Rounds} …");
            await MeasureAsync(system, ConsumersHost.LargeMail, WarmUpLarge, MeasuredLarge, ours, sink, port);
            await SourceAsync(size, 2 * MeasuredLarge, source, sink, port);
        }
        await WriteAsync(
            string.Create(CultureInfo.InvariantCulture, $"queue → mail of {size / 1024.0:0} KiB (a GIF of 700 KB), ledger on"), "smtp-source, 8 sessions", "≥ 0.9",
            ours, source, 0.9, await system.Broker.VersionAsync());
        return 0;
    }

    private static Task WriteAsync(string what, string beside, string reach, Series ours, Series peer, double least, string version) => PerformanceTable.WriteAsync(
        $"{what.TrimEnd()}, vs {beside.Split(',')[0]}", beside, reach, PerformanceTable.Ratio(ours.Median / peer.Median), ours.Median / peer.Median >= least,
        $"{ours.Text} vs {peer.Text}", $"{ours.Cpu}; vs {peer.Cpu}", version);

    private static async Task MeasureAsync(WorkinItSystem system, string kind, int warmUp, int count, Series series, OtherProgram sink, int port)
    {
        await Commands.FillAsync(system.VirtualHost, warmUp + count);
        await using var host = ConsumersHost.Start(kind, system, port);
        await Drain.MeasureAsync(system.VirtualHost, count, series, ("Consumers", host.Id), ("broker", system.Broker.ProcessId), ("sink", sink.Id));
    }

    // Sends one mail to the test mail server, which counts its bytes.
    private static async Task<int> SizeAsync(WorkinItSystem system, string kind)
    {
        await Commands.FillAsync(system.VirtualHost, 1);
        await using var host = ConsumersHost.Start(kind, system, system.Mail.Port);
        await system.SeeMailsAsync(1);
        return system.Mail.Mails[0].Content.Length;
    }

    private static async Task SourceAsync(int size, int count, Series series, OtherProgram sink, int port)
    {
        var (clock, cpu) = (Stopwatch.StartNew(), new CpuClock(("sink", sink.Id)));
        string[] arguments =
        [
            "-d", "-s", Text(SourceSessions), "-m", Text(count), "-l", Text(size), "-f", "gifs@workinit.example", "-t", "somebody@example.com", $"127.0.0.1:{Text(port)}",
        ];
        await using var source = OtherProgram.Start("/usr/sbin/smtp-source", arguments);
        await source.EndAsync();
        series.Add(count / clock.Elapsed.TotalSeconds, cpu.PerItem(count));
    }

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);
}
