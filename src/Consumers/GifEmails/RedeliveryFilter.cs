using MassTransit;
using Microsoft.Extensions.Options;
using RabbitMQ.Client.Exceptions;
using WorkinIt.Contracts;
using WorkinIt.Messaging;

namespace WorkinIt.Consumers.GifEmails;

/// <summary>
/// Wraps the in-place retries. A message whose transient failure outlasts them waits in a delay queue; so does a message that another
/// consumer is processing. Any other exception passes through, and MassTransit dead-letters the message.
/// </summary>
internal sealed partial class RedeliveryFilter(IOptions<RedeliveryOptions> options, TimeProvider time, ILogger<RedeliveryFilter> log)
    : IFilter<ConsumerConsumeContext<SendGifEmailConsumer, SendGifEmail>>
{
    private static readonly TimeSpan _eventDeadline = TimeSpan.FromSeconds(10);

    public async Task Send(ConsumerConsumeContext<SendGifEmailConsumer, SendGifEmail> context, IPipe<ConsumerConsumeContext<SendGifEmailConsumer, SendGifEmail>> next)
    {
        GifEmailTelemetry.Taken(context, time.GetUtcNow());
        try
        {
            await next.Send(context);
        }
        catch (DeliveryInFlightException inFlight)
        {
            await DelayAsync(context, WaitFor(inFlight), counted: false);
        }
        catch (Exception failure) when (Failure.WasNotTried(failure))
        {
            // The service is down and was not asked, so this is not a try, however often it repeats: the message waits in the first delay.
            await DelayAndPublishAsync(context, failure, NextDelay(0, Failure.AtLeast(failure))!.Value, counted: false);
        }
        catch (Exception failure) when (Failure.IsTransient(failure) && NextDelay(context.GetRedeliveryCount(), Failure.AtLeast(failure)) is not null)
        {
            await DelayAndPublishAsync(context, failure, NextDelay(context.GetRedeliveryCount(), Failure.AtLeast(failure))!.Value, counted: true);
        }
    }

    private async Task DelayAndPublishAsync(ConsumeContext<SendGifEmail> context, Exception failure, TimeSpan delay, bool counted)
    {
        await DelayAsync(context, delay, counted);
        if (failure.Data[FaultData.Attempt] is int attempt) // unknown while the ledger is unreachable
            await PublishDelayedAsync(context, new GifEmailDelayed(context.Message.SubmissionId, attempt, time.GetUtcNow() + delay));
    }

    private static async Task DelayAsync(ConsumeContext<SendGifEmail> context, TimeSpan delay, bool counted)
    {
        await DelayQueues.SendAsync(context, delay, counted);
        GifEmailTelemetry.Delayed();
    }

    // The copy is already in the delay queue: a failure now must not dead-letter the original as well.
    private async Task PublishDelayedAsync(ConsumeContext context, GifEmailDelayed delayed)
    {
        try
        {
            using var deadline = new CancellationTokenSource(_eventDeadline);
            await context.PublishUntrackedAsync(delayed, deadline.Token);
        }
        catch (Exception e) when (e is OperationCanceledException or MassTransitException or RabbitMQClientException or IOException)
        {
            LogNotTold(log, delayed.SubmissionId, e.GetType().Name);
        }
    }

    public void Probe(ProbeContext context) => context.CreateFilterScope("delayQueues");

    /// <summary>Returns the delay for this redelivery, or a longer one if the service asked for it; null when all are used up.</summary>
    private TimeSpan? NextDelay(int redeliveries, TimeSpan atLeast)
    {
        var left = options.Value.Steps.Skip(redeliveries).ToArray();
        return left.Length == 0 ? null : left.Where(delay => delay >= atLeast).Append(left[^1]).First();
    }

    // The shortest delay that outlasts the lease, or else the longest delay.
    private TimeSpan WaitFor(DeliveryInFlightException inFlight)
    {
        var lease = inFlight.Until - time.GetUtcNow() ?? TimeSpan.Zero;
        return options.Value.Steps.Where(delay => delay >= lease).Append(options.Value.Steps[^1]).First();
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "The delay of {SubmissionId} could not be published ({Reason}): its page doesn't show it until after the next try")]
    private static partial void LogNotTold(ILogger log, Guid submissionId, string reason);
}
