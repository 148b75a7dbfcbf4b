using System.Diagnostics;
using Microsoft.AspNetCore.Mvc.Testing;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using OpenTelemetry.Metrics;
using OpenTelemetry.Trace;

namespace WorkinIt.BrokerTests.Telling;

/// <summary>A service as its own Program makes it, in this process: what it exports can be looked at before it is bytes.</summary>
/// <typeparam name="T">Any type of the service.</typeparam>
/// <param name="settings">By their names in the environment.</param>
internal sealed class HostedService<T>(IReadOnlyDictionary<string, string> settings) : WebApplicationFactory<T>
    where T : class
{
    private readonly List<MetricSnapshot> _metrics = [];
    private readonly List<Activity> _spans = [];

    /// <summary>What has been exported. Not to be read while it runs.</summary>
    public IReadOnlyList<Activity> Spans => _spans;

    /// <summary>The metrics as they are now.</summary>
    public IReadOnlyList<MetricSnapshot> CollectMetrics()
    {
        _metrics.Clear();
        Services.GetRequiredService<MeterProvider>().ForceFlush();
        return [.. _metrics];
    }

    protected override IHost CreateHost(IHostBuilder builder)
    {
        builder.ConfigureHostConfiguration(configuration => configuration.AddInMemoryCollection(
            settings.Select(setting => KeyValuePair.Create(setting.Key.Replace("__", ":", StringComparison.Ordinal), (string?)setting.Value))));
        builder.ConfigureServices(services => services
            .ConfigureOpenTelemetryTracerProvider(tracing => tracing.AddInMemoryExporter(_spans))
            .ConfigureOpenTelemetryMeterProvider(metrics => metrics.AddInMemoryExporter(_metrics)));
        return base.CreateHost(builder);
    }
}
