using WorkinIt.Testbed;

namespace WorkinIt.Benchmarks.Beside;

/// <summary>The memory of new processes that is their own: not the files of the runtime, which all .NET processes share.</summary>
internal sealed class BesideMemory(WorkinItSystem system) : BesideMeasurement(system)
{
    private const int LoadSeconds = 10;

    private static readonly TimeSpan _rest = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan _pause = TimeSpan.FromMilliseconds(200);

    /// <inheritdoc/>
    public override Task<IReadOnlyList<double>> MeasureAsync() => WithServicesAsync(async (web, consumers) =>
    {
        for (var number = 0; number < 20; number++)
            await WorkinItSystem.SubmitAsync(web, $"somebody{Guid.NewGuid():N}@example.com", "how much memory?");
        await Task.Delay(_rest);
        var rest = new[] { ProcessFigures.OwnMemory(web.Id), ProcessFigures.OwnMemory(consumers.Id) };

        var load = Accept.WrkAsync(web, "post", LoadSeconds);
        var (webPeak, consumersPeak) = (0.0, 0.0);
        while (!load.IsCompleted)
        {
            (webPeak, consumersPeak) = (Math.Max(webPeak, ProcessFigures.OwnMemory(web.Id)), Math.Max(consumersPeak, ProcessFigures.OwnMemory(consumers.Id)));
            await Task.WhenAny(load, Task.Delay(_pause));
        }
        await load;
        return [.. rest, webPeak, consumersPeak];
    });
}
