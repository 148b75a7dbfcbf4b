using System.Diagnostics;
using System.Diagnostics.Metrics;
using Polly.CircuitBreaker;
using WorkinIt.ServiceDefaults;

namespace WorkinIt.Consumers.Mail;

/// <summary>Span and metrics for the dialogue with the mail server: server, duration, error; nothing about the mail.</summary>
internal static class SmtpTelemetry
{
    private static readonly Histogram<double> _duration = Telemetry.Meter.CreateHistogram(
        "workinit.smtp.send.duration", "s", "From asking for a connection to the mail server's reply", advice: new InstrumentAdvice<double>
        {
            HistogramBucketBoundaries = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25],
        });

    private static readonly UpDownCounter<long> _connections = Telemetry.Meter.CreateUpDownCounter<long>(
        "workinit.smtp.connection.count", "{connection}", "Connections to the mail server, used or idle");

    /// <summary>Reports whether the circuit breaker of the mail server is open or half-open (1) or closed (0).</summary>
    /// <param name="breaker">The circuit breaker's state.</param>
    public static void Watch(CircuitBreakerStateProvider breaker) => Telemetry.Meter.CreateObservableGauge(
        "workinit.smtp.breaker.open", () => breaker.CircuitState == CircuitState.Closed ? 0 : 1,
        unit: null, // with unit 1, Prometheus would name it a ratio
        "Whether the mail server keeps failing, so that only one mail now and then tests it: 1 or 0");

    public static void Sent(TimeSpan duration, TagList tags) => _duration.Record(duration.TotalSeconds, tags);

    public static void Used(int change) => Count(change, "used");

    public static void Idle(int change) => Count(change, "idle");

    private static void Count(int change, string state) => _connections.Add(change, new KeyValuePair<string, object?>("workinit.smtp.connection.state", state));
}

/// <summary>Measures one dialogue, from asking for a connection to the server's reply.</summary>
internal sealed class SmtpMeasurement : IDisposable
{
    private readonly TimeProvider _time;
    private readonly long _start;
    private readonly Activity? _activity;
    private TagList _tags;

    private SmtpMeasurement(SmtpOptions server, TimeProvider time)
    {
        _time = time;
        _start = time.GetTimestamp();
        _tags = new TagList { { "server.address", server.Host } };
        _activity = Telemetry.Source.StartActivity("smtp send", ActivityKind.Client);
        _activity?.SetTag("server.address", server.Host);
        _activity?.SetTag("server.port", server.Port);
        _activity?.SetTag("network.protocol.name", "smtp");
    }

    public static SmtpMeasurement Start(SmtpOptions server, TimeProvider time) => new(server, time);

    public void Failed(Exception failure)
    {
        var type = (failure.InnerException ?? failure).GetType().Name;
        _tags.Add("error.type", type);
        _activity?.SetTag("error.type", type);
        _activity?.SetStatus(ActivityStatusCode.Error);
    }

    public void Dispose()
    {
        SmtpTelemetry.Sent(_time.GetElapsedTime(_start), _tags);
        _activity?.Dispose();
    }
}
