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
/// Traces and metrics, sent by OTLP to the endpoint in the standard environment variables. Without an endpoint, nothing is recorded.
/// They never contain an address or a thought. They may contain a submission's id.
/// </summary>
public static class Telemetry
{
    private const string Name = "WorkinIt";
    private const string MassTransit = "MassTransit"; // the name of its source and its meter

    private static readonly string[] _endpoints =
        ["OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT"];

    /// <summary>The source of WorkinIt's own spans.</summary>
    public static ActivitySource Source { get; } = new(Name);

    /// <summary>The meter of WorkinIt's own metrics.</summary>
    public static Meter Meter { get; } = new(Name);

    internal static void AddTelemetry(this WebApplicationBuilder builder)
    {
        if (_endpoints.All(endpoint => string.IsNullOrWhiteSpace(builder.Configuration[endpoint])))
            return;

        builder.Services.AddOpenTelemetry()
            .ConfigureResource(resource => resource
                .AddService(builder.Environment.ApplicationName)
                .AddEnvironmentVariableDetector()) // again, so that OTEL_SERVICE_NAME takes precedence
            .WithTracing(tracing => tracing
                .AddSource(Name, MassTransit)
                .AddAspNetCoreInstrumentation(http =>
                {
                    http.Filter = static context => !context.Request.Path.StartsWithSegments("/health", StringComparison.Ordinal); // every few seconds
                    http.EnrichWithHttpRequest = static (activity, request) =>
                    {
                        activity.SetTag("user_agent.original", null); // could identify users
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

    /// <summary>The result of <c>/health/ready</c> as a metric, for alerts.</summary>
    private sealed class ReadyMetric : IHealthCheckPublisher
    {
        private int? _ready; // null before the first check: no value is better than a wrong one

        public ReadyMetric() => Meter.CreateObservableGauge(
            "workinit.ready", Measure,
            unit: null, // with unit 1, Prometheus would name it a ratio
            "Whether the service is ready: 1, or 0 if the broker or its database is unreachable");

        public Task PublishAsync(HealthReport report, CancellationToken cancellationToken)
        {
            _ready = report.Status == HealthStatus.Healthy ? 1 : 0;
            return Task.CompletedTask;
        }

        private IEnumerable<Measurement<int>> Measure() => _ready is { } ready ? [new Measurement<int>(ready)] : [];
    }
}
