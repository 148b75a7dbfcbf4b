using System.Diagnostics;
using Microsoft.AspNetCore.Mvc.Testing;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using OpenTelemetry.Metrics;
using OpenTelemetry.Trace;

namespace WorkinIt.BrokerTests.Telling;

/// <summary>
/// Runs a service in this process, built by its own Program, so that tests can read its telemetry before it is serialized. Metrics belong to the
/// process: a second service of the same kind would be counted in those of the first, so each kind can run once.
/// </summary>
/// <typeparam name="T">Any type of the service.</typeparam>
/// <param name="settings">The settings, by their names as environment variables.</param>
internal sealed class HostedService<T>(IReadOnlyDictionary<string, string> settings) : WebApplicationFactory<T>
    where T : class
{
    private static int _started;

    private readonly List<MetricSnapshot> _metrics = [];
    private readonly List<Activity> _spans = [];

    /// <summary>The exported spans. Do not read them while the service runs.</summary>
    public IReadOnlyList<Activity> Spans => _spans;

    /// <summary>Exports the current metrics and returns them.</summary>
    public IReadOnlyList<MetricSnapshot> CollectMetrics()
    {
        _metrics.Clear();
        Services.GetRequiredService<MeterProvider>().ForceFlush();
        return [.. _metrics];
    }

    protected override IHost CreateHost(IHostBuilder builder)
    {
        if (Interlocked.Increment(ref _started) > 1)
            throw new InvalidOperationException($"The service of {typeof(T).Name} has run in this process already, and its metrics are those of the process: use {nameof(SharedObservedSystem)}");
        builder.ConfigureHostConfiguration(configuration => configuration.AddInMemoryCollection(
            settings.Select(setting => KeyValuePair.Create(setting.Key.Replace("__", ":", StringComparison.Ordinal), (string?)setting.Value))));
        builder.ConfigureServices(services => services
            .ConfigureOpenTelemetryTracerProvider(tracing => tracing.AddInMemoryExporter(_spans))
            .ConfigureOpenTelemetryMeterProvider(metrics => metrics.AddInMemoryExporter(_metrics)));
        return base.CreateHost(builder);
    }
}
