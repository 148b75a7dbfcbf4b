using System.Diagnostics.Metrics;
using MassTransit;
using MassTransit.Middleware;
using WorkinIt.Contracts;
using WorkinIt.Messaging;
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

/// <summary>Counts the retries in place.</summary>
internal sealed class RetryCount : IRetryObserver
{
    public Task PostCreate<T>(RetryPolicyContext<T> context)
        where T : class, PipeContext => Task.CompletedTask;

    public Task PostFault<T>(RetryContext<T> context)
        where T : class, PipeContext => Task.CompletedTask;

    public Task PreRetry<T>(RetryContext<T> context)
        where T : class, PipeContext
    {
        GifEmailTelemetry.Retried();
        return Task.CompletedTask;
    }

    public Task RetryFault<T>(RetryContext<T> context)
        where T : class, PipeContext => Task.CompletedTask;

    public Task RetryComplete<T>(RetryContext<T> context)
        where T : class, PipeContext => Task.CompletedTask;
}

/// <summary>Counts the messages that MassTransit moved to a dead-letter queue, because a consumer failed or the message was unreadable.</summary>
internal sealed class DeadLetterCount : IFilter<ExceptionReceiveContext>
{
    private readonly Counter<long> _deadLettered = Telemetry.Meter.CreateCounter<long>(
        "workinit.gif_email.dead_lettered", "{message}", "Messages that became dead letters, without the held ones");

    private readonly FaultFilter<SendGifEmail> _fault;
    private long _held;

    // An observable counter is reported as 0 from the start. A counter that first appears with its first message shows no increase to an alert.
    public DeadLetterCount(FaultFilter<SendGifEmail> fault)
    {
        _fault = fault;
        Telemetry.Meter.CreateObservableCounter(
            "workinit.gif_email.held", () => Volatile.Read(ref _held), "{message}", "Messages that became dead letters because they may have been sent");
    }

    /// <summary>Configures the endpoint to publish the fault, then move the message to the dead-letter queue, then count it.</summary>
    /// <param name="endpoint">The endpoint.</param>
    public void Use(IReceiveEndpointConfigurator endpoint)
    {
        endpoint.UseFilter(_fault);
        endpoint.ConfigureError(error =>
        {
            error.UseFilter(_fault);
            error.UseFilter(new ErrorTransportFilter());
            error.UseFilter(this);
        });
    }

    public Task Send(ExceptionReceiveContext context, IPipe<ExceptionReceiveContext> next)
    {
        if (context.Exception is DeliveryHeldException)
            Interlocked.Increment(ref _held);
        else
            _deadLettered.Add(1, new KeyValuePair<string, object?>("error.type", context.Exception.GetType().Name));
        return next.Send(context);
    }

    public void Probe(ProbeContext context) => context.CreateFilterScope("deadLetterCount");
}
