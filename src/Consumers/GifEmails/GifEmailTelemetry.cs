using System.Diagnostics.Metrics;
using MassTransit;
using WorkinIt.Contracts;
using WorkinIt.ServiceDefaults;

namespace WorkinIt.Consumers.GifEmails;

/// <summary>Metrics about the outcomes of messages.</summary>
internal static class GifEmailTelemetry
{
    private static readonly Histogram<double> _queueDuration = Telemetry.Meter.CreateHistogram(
        "workinit.gif_email.queue.duration", "s", "From the acceptance of a submission to the start of its first try", advice: new InstrumentAdvice<double>
        {
            HistogramBucketBoundaries = [0.01, 0.05, 0.1, 0.5, 1, 5, 15, 60, 300, 900, 3600, 14400, 86400],
        });

    private static readonly Counter<long> _sent = Telemetry.Meter.CreateCounter<long>(
        "workinit.gif_email.sent", "{mail}", "Mails that the mail server accepted");

    private static readonly Counter<long> _blocked = Telemetry.Meter.CreateCounter<long>(
        "workinit.gif_email.blocked", "{message}", "Messages that ended without a mail because the recipient has unsubscribed");

    private static readonly Counter<long> _retried = Telemetry.Meter.CreateCounter<long>(
        "workinit.gif_email.retried", "{try}", "Tries in place after a try that failed");

    private static readonly Counter<long> _delayed = Telemetry.Meter.CreateCounter<long>(
        "workinit.gif_email.delayed", "{message}", "Messages sent to wait in a delay queue");

    /// <summary>Records that processing of a message starts. Its wait is measured once, and not again after a delay or a replay.</summary>
    /// <param name="context">The message.</param>
    /// <param name="now">The time.</param>
    public static void Taken(ConsumeContext<SendGifEmail> context, DateTimeOffset now)
    {
        if (context.GetRedeliveryCount() == 0 && !context.ReceiveContext.TransportHeaders.TryGetHeader(ReplayHeaders.Id, out _))
            _queueDuration.Record(Math.Max(0, (now - context.Message.SubmittedAt).TotalSeconds));
    }

    public static void Retried() => _retried.Add(1);

    public static void Sent() => _sent.Add(1);

    public static void Blocked() => _blocked.Add(1);

    public static void Delayed() => _delayed.Add(1);
}
