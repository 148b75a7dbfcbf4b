using WorkinIt.Testbed;

namespace WorkinIt.Benchmarks.Beside;

/// <summary>New processes of Web and Consumers: their first seconds under load, compared with the same minute when they are warm.</summary>
internal sealed class BesideCold(WorkinItSystem system) : BesideMeasurement(system)
{
    private const int ColdSeconds = 15;
    private const int WarmUpSeconds = 12;
    private const int WarmSeconds = 8;

    /// <inheritdoc/>
    public override Task<IReadOnlyList<double>> MeasureAsync() => WithServicesAsync(async (web, _) =>
    {
        var cold = await Accept.WrkAsync(web, "post", ColdSeconds);
        await Accept.WrkAsync(web, "post", WarmUpSeconds);
        var warm = await Accept.WrkAsync(web, "post", WarmSeconds);
        return [cold.Rate / warm.Rate, cold.Rate, warm.P99];
    });
}
