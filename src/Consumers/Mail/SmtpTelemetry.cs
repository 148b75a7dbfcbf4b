using System.Diagnostics;
using System.Diagnostics.Metrics;
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

    public static async Task<string> MeasureAsync(SmtpOptions server, TimeProvider time, Func<Task<string>> send)
    {
        using var activity = Telemetry.Source.StartActivity("smtp send", ActivityKind.Client);
        activity?.SetTag("server.address", server.Host);
        activity?.SetTag("server.port", server.Port);
        activity?.SetTag("network.protocol.name", "smtp");
        var tags = new TagList { { "server.address", server.Host } };
        var start = time.GetTimestamp();
        try
        {
            return await send();
        }
        catch (Exception e)
        {
            var type = (e.InnerException ?? e).GetType().Name;
            tags.Add("error.type", type);
            activity?.SetTag("error.type", type);
            activity?.SetStatus(ActivityStatusCode.Error);
            throw;
        }
        finally
        {
            _duration.Record(time.GetElapsedTime(start).TotalSeconds, tags);
        }
    }

    public static void Used(int change) => Count(change, "used");

    public static void Idle(int change) => Count(change, "idle");

    private static void Count(int change, string state) => _connections.Add(change, new KeyValuePair<string, object?>("workinit.smtp.connection.state", state));
}
