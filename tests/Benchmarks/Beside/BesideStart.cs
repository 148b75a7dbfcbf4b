using WorkinIt.Testbed;

namespace WorkinIt.Benchmarks.Beside;

/// <summary>The start of each service.</summary>
internal sealed class BesideStart(WorkinItSystem system) : BesideMeasurement(system)
{
    /// <inheritdoc/>
    public override async Task PrepareAsync()
    {
        await System.PrepareAsync(); // mails go to the test mail server, which reports the first one
        await MeasureAsync(); // warms the disk cache
    }

    /// <inheritdoc/>
    public override async Task<IReadOnlyList<double>> MeasureAsync()
    {
        var mail = await Start.FirstMailAsync(System);
        var form = await Start.FirstAnswerAsync(System.NewWeb());
        return [mail.Milliseconds, mail.Cpu, form.Milliseconds, form.Cpu];
    }
}
