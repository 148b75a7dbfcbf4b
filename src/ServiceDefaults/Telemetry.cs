using System.Diagnostics;
using System.Diagnostics.Metrics;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using OpenTelemetry;
using OpenTelemetry.Metrics;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;

namespace WorkinIt.ServiceDefaults;

/// <summary>
/// Traces and metrics, sent by OTLP to where the standard variables say. Without one of them nobody listens, and nothing is recorded.
/// They never hold an address or a thought; a submission's id they may.
/// </summary>
public static class Telemetry
{
    private const string Name = "WorkinIt";
    private const string MassTransit = "MassTransit"; // its source and its meter

    private static readonly string[] _endpoints =
        ["OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT"];

    /// <summary>The spans of our own.</summary>
    public static ActivitySource Source { get; } = new(Name);

    /// <summary>The metrics of our own.</summary>
    public static Meter Meter { get; } = new(Name);

    internal static void AddTelemetry(this WebApplicationBuilder builder)
    {
        if (_endpoints.All(endpoint => string.IsNullOrWhiteSpace(builder.Configuration[endpoint])))
            return;

        builder.Services.AddOpenTelemetry()
            .ConfigureResource(resource => resource
                .AddService(builder.Environment.ApplicationName)
                .AddEnvironmentVariableDetector()) // once more, so that OTEL_SERVICE_NAME has the last word
            .WithTracing(tracing => tracing
                .AddSource(Name, MassTransit)
                .AddAspNetCoreInstrumentation(http =>
                {
                    http.Filter = static context => !context.Request.Path.StartsWithSegments("/health", StringComparison.Ordinal); // asked every few seconds
                    http.EnrichWithHttpRequest = static (activity, request) =>
                    {
                        activity.SetTag("user_agent.original", null); // tells people apart
                        if (request.Path.Value is { } path && KeyInPath.Without(path) is var kept && kept != path)
                            activity.SetTag("url.path", kept);
                    };
                })
                .AddHttpClientInstrumentation())
            .WithMetrics(metrics => metrics
                .AddMeter(Name, MassTransit)
                .AddAspNetCoreInstrumentation()
                .AddHttpClientInstrumentation()
                .AddRuntimeInstrumentation())
            .UseOtlpExporter();

        builder.Services.AddSingleton<IHealthCheckPublisher, ReadyMetric>();
        builder.Services.Configure<HealthCheckPublisherOptions>(publish =>
        {
            publish.Predicate = Service.IsOfReady;
            publish.Period = TimeSpan.FromSeconds(15);
        });
    }

    /// <summary>What <c>/health/ready</c> says, as a metric to alert on.</summary>
    private sealed class ReadyMetric : IHealthCheckPublisher
    {
        private int? _ready; // null before the first look: better no value than a wrong one

        public ReadyMetric() => Meter.CreateObservableGauge(
            "workinit.ready", Measure,
            unit: null, // with 1 Prometheus would call it a ratio
            "Whether the service is ready: 1, or 0 when the broker or its database is out of reach");

        public Task PublishAsync(HealthReport report, CancellationToken cancellationToken)
        {
            _ready = report.Status == HealthStatus.Healthy ? 1 : 0;
            return Task.CompletedTask;
        }

        private IEnumerable<Measurement<int>> Measure() => _ready is { } ready ? [new Measurement<int>(ready)] : [];
    }
}
