using WorkinIt.Messaging;
using WorkinIt.Testbed;

namespace WorkinIt.Benchmarks.Beside;

/// <summary>How fast warm Consumers send mails, as shipped: with a GIF of the built-in collection, and the ledger. They run through all rounds.</summary>
internal sealed class BesideMail(WorkinItSystem system) : BesideMeasurement(system)
{
    private const int WarmUp = 8_000; // the just-in-time compiler uses a core for the first 10 s or more
    private const int Measured = 4_000;
    private const int Before = 3_000; // sent while they are published

    private ServiceProcess? _consumers;

    /// <inheritdoc/>
    public override async Task PrepareAsync()
    {
        await base.PrepareAsync();
        _consumers = System.NewConsumers();
        await _consumers.StartAsync();
        await DrainAsync(WarmUp);
    }

    /// <inheritdoc/>
    public override async Task<IReadOnlyList<double>> MeasureAsync()
    {
        var (rate, cpu) = await DrainAsync(Before + Measured);
        return [rate, cpu.Sum(process => process.Milliseconds)];
    }

    private async Task<(double Rate, IReadOnlyList<(string Process, double Milliseconds)> Cpu)> DrainAsync(int count)
    {
        await Commands.PublishAsync(System.VirtualHost, count);
        var measured = await Drain.MeasureAsync(System.VirtualHost, Measured, ("Consumers", _consumers!.Id), ("broker", System.Broker.ProcessId));
        await Commands.EmptyAsync(System.VirtualHost, isConsumed: true); // Web, which reads the status events, does not run
        return measured;
    }
}
