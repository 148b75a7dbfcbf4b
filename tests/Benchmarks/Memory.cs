using System.Globalization;
using WorkinIt.Testbed;

namespace WorkinIt.Benchmarks;

/// <summary>Measures the memory of each service: when idle after a few mails, and the peak while submissions arrive as fast as they are accepted.</summary>
internal static class Memory
{
    private const double MostIdle = 100;
    private const double MostUnderLoad = 160;
    private const int LoadSeconds = 20;

    private static readonly TimeSpan _rest = TimeSpan.FromSeconds(10);

    public static async Task<int> RunAsync()
    {
        var (sink, port) = await OtherProgram.StartSinkAsync();
        await using var running = sink;
        var (system, web, consumers) = await WorkinItSystem.StartAsync(("Smtp__Port", port.ToString(CultureInfo.InvariantCulture)));
        await using var all = system;
        for (var number = 0; number < 20; number++)
            await WorkinItSystem.SubmitAsync(web, $"somebody{number}@example.com", "how much memory?");
        await Task.Delay(_rest);
        var idle = new[] { ("Web", ProcessFigures.Memory(web.Id)), ("Consumers", ProcessFigures.Memory(consumers.Id)) };
        var own = string.Create(CultureInfo.InvariantCulture, $"private and not file-backed: Web {ProcessFigures.OwnMemory(web.Id):0} MiB, Consumers {ProcessFigures.OwnMemory(consumers.Id):0} MiB");

        var (requests, _, _, _) = await Accept.WrkAsync(web, "post", LoadSeconds);
        var peak = new[] { ("Web", ProcessFigures.PeakMemory(web.Id)), ("Consumers", ProcessFigures.PeakMemory(consumers.Id)) };
        await WriteAsync("memory when idle", MostIdle, idle, $"after 20 mails and 10 idle s; {own}");
        await WriteAsync("memory under load, peak", MostUnderLoad, peak, string.Create(CultureInfo.InvariantCulture, $"{requests:N0} submissions in {LoadSeconds} s"));
        return 0;

        async Task WriteAsync(string what, double most, (string Service, double MiB)[] services, string how) => await PerformanceTable.WriteAsync(
            what, "–", string.Create(CultureInfo.InvariantCulture, $"≤ {most:0} MiB each"),
            string.Join(", ", services.Select(service => string.Create(CultureInfo.InvariantCulture, $"{service.Service} {service.MiB:0} MiB"))),
            services.All(service => service.MiB <= most), how, broker: await system.Broker.VersionAsync());
    }
}
