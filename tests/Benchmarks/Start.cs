using System.Diagnostics;
using System.Globalization;
using System.Net.Sockets;
using WorkinIt.Testbed;

namespace WorkinIt.Benchmarks;

/// <summary>Measures the time from the start of a process to its first mail or response.</summary>
internal static class Start
{
    private const int Rounds = 5;

    public static async Task<int> RunAsync()
    {
        await using var system = await WorkinItSystem.CreateAsync();
        await system.PrepareAsync();
        List<double> mail = [], page = [], empty = [];
        for (var round = 0; round <= Rounds; round++) // round 0 warms the disk cache and is not counted
        {
            if (round > 0)
                Console.WriteLine($"round {round} of {Rounds} …");
            var times = (await FirstMailAsync(system), await FirstAnswerAsync(system.NewWeb()), await FirstAnswerAsync(new ServiceProcess("EmptyApp", new Dictionary<string, string>())));
            if (round == 0)
                continue;
            mail.Add(times.Item1.Milliseconds);
            page.Add(times.Item2.Milliseconds);
            empty.Add(times.Item3.Milliseconds);
        }
        var version = await system.Broker.VersionAsync();
        await PerformanceTable.WriteAsync(
            "start of Consumers → first mail", "–", "≤ 450 ms", Text(mail), Series.MedianOf(mail) <= 450, Figures(mail), broker: version);
        var ratio = Series.MedianOf(page) / Series.MedianOf(empty);
        await PerformanceTable.WriteAsync(
            "start of Web → the form", "an empty ASP.NET Core app of the same build", "≤ 2", PerformanceTable.Ratio(ratio), ratio <= 2, $"{Figures(page)} vs {Figures(empty)}", broker: version);
        return 0;
    }

    /// <summary>Starts Consumers with one message in the queue, and stops them after its mail.</summary>
    /// <returns>The time until the mail, and the CPU time that Consumers have used until then.</returns>
    internal static async Task<(double Milliseconds, double Cpu)> FirstMailAsync(WorkinItSystem system)
    {
        await Commands.FillAsync(system.VirtualHost, 1);
        var consumers = system.NewConsumers();
        var (before, clock) = (system.Mail.MailCount, Stopwatch.StartNew());
        using var timeout = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        consumers.Launch();
        await system.Mail.WaitForMailsAsync(before + 1, timeout.Token);
        var took = (clock.Elapsed.TotalMilliseconds, ProcessFigures.Cpu(consumers.Id).TotalMilliseconds);
        await consumers.StopAsync();
        return took;
    }

    /// <summary>Starts a process, and kills it after its first page.</summary>
    /// <returns>The time until the page, and the CPU time that the process has used until then.</returns>
    internal static async Task<(double Milliseconds, double Cpu)> FirstAnswerAsync(ServiceProcess process)
    {
        await using var owned = process;
        var clock = Stopwatch.StartNew();
        process.Launch();
        while (clock.Elapsed < TimeSpan.FromSeconds(60))
        {
            try
            {
                using var answer = await process.Http.GetAsync("/");
                answer.EnsureSuccessStatusCode();
                return (clock.Elapsed.TotalMilliseconds, ProcessFigures.Cpu(process.Id).TotalMilliseconds);
            }
            catch (HttpRequestException e) when (e.InnerException is SocketException)
            {
                await Task.Delay(2);
            }
        }
        throw new TimeoutException($"No response within 60 s:\n{process.Log}");
    }

    private static string Text(List<double> times) => string.Create(CultureInfo.InvariantCulture, $"{Series.MedianOf(times):0} ms");

    private static string Figures(List<double> times) => string.Create(CultureInfo.InvariantCulture, $"{Series.MedianOf(times):0} ms ({times.Min():0}–{times.Max():0})");
}
