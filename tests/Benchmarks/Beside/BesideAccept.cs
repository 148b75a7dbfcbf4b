using WorkinIt.Testbed;

namespace WorkinIt.Benchmarks.Beside;

/// <summary>How fast a warm Web accepts submissions. Web runs through all rounds; Consumers don't run.</summary>
internal sealed class BesideAccept(WorkinItSystem system) : BesideMeasurement(system)
{
    private const int WarmUp = 40_000; // requests, not seconds: on a busy machine, the build that gets less processor time would stay colder in all rounds
    private const int MostWarmUps = 15;
    private const int Seconds = 4;

    private ServiceProcess? _web;

    /// <inheritdoc/>
    public override async Task PrepareAsync()
    {
        await base.PrepareAsync();
        _web = System.NewWeb();
        await _web.StartAsync();
        var requests = 0.0;
        for (var number = 0; requests < WarmUp && number < MostWarmUps; number++)
            requests += (await Accept.WrkAsync(_web, "post", Seconds)).Requests;
        await Accept.PurgeAsync(System);
    }

    /// <inheritdoc/>
    public override async Task<IReadOnlyList<double>> MeasureAsync()
    {
        var cpu = new CpuClock(("Web", _web!.Id), ("broker", System.Broker.ProcessId));
        var (requests, rate, _, _) = await Accept.WrkAsync(_web, "post", Seconds);
        var figures = new[] { rate, cpu.PerItem(requests).Sum(process => process.Milliseconds) };
        await Accept.PurgeAsync(System); // the other build must not be measured while this one publishes
        return figures;
    }
}
