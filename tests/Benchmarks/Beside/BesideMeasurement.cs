using WorkinIt.Testbed;

namespace WorkinIt.Benchmarks.Beside;

/// <summary>Measures the figures of one row of <c>./bench --beside</c> for one build, in its own virtual host and with its own databases.</summary>
/// <param name="system">The system, with the services of the build.</param>
internal abstract class BesideMeasurement(WorkinItSystem system) : IAsyncDisposable
{
    private OtherProgram? _sink;

    /// <summary>The system.</summary>
    protected WorkinItSystem System => system;

    /// <summary>Creates the measurement of a row.</summary>
    /// <param name="row">The name of the row.</param>
    /// <param name="services">The folder with the published services.</param>
    public static async Task<BesideMeasurement> CreateAsync(string row, string services)
    {
        var system = await WorkinItSystem.CreateAsync(services: services);
        return row switch
        {
            "start" => new BesideStart(system),
            "command" => new BesideCommand(system),
            "accept" => new BesideAccept(system),
            "mail" => new BesideMail(system),
            "cold" => new BesideCold(system),
            "memory" => new BesideMemory(system),
            _ => throw new ArgumentException($"Unknown row: {row}", nameof(row)),
        };
    }

    /// <summary>Prepares everything that is not measured.</summary>
    public virtual async Task PrepareAsync()
    {
        (_sink, var port) = await OtherProgram.StartSinkAsync();
        system.Settings["Smtp__Port"] = port.ToString(global::System.Globalization.CultureInfo.InvariantCulture);
        system.Settings["Limits__PerRecipientPerHour"] = "5"; // as shipped
        await system.PrepareAsync();
    }

    /// <summary>Measures one round.</summary>
    /// <returns>A value for each figure of the row, in its unit.</returns>
    public abstract Task<IReadOnlyList<double>> MeasureAsync();

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await system.DisposeAsync();
        if (_sink is not null)
            await _sink.DisposeAsync();
    }

    /// <summary>Starts one process of each service, and stops both after a measurement.</summary>
    /// <param name="measure">The measurement.</param>
    protected async Task<IReadOnlyList<double>> WithServicesAsync(Func<ServiceProcess, ServiceProcess, Task<IReadOnlyList<double>>> measure)
    {
        await using var web = system.NewWeb();
        await using var consumers = system.NewConsumers();
        await Task.WhenAll(web.StartAsync(), consumers.StartAsync());
        var figures = await measure(web, consumers);
        await consumers.StopAsync();
        await Accept.PurgeAsync(system); // the other build must not be measured while this one works
        return figures;
    }
}
