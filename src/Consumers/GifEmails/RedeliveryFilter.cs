using MassTransit;
using Microsoft.Extensions.Options;
using RabbitMQ.Client.Exceptions;
using WorkinIt.Contracts;
using WorkinIt.Messaging;

namespace WorkinIt.Consumers.GifEmails;

/// <summary>
/// Stands around the in-place retries. What is transient and outlasts them goes to wait in a delay queue; so does what another
/// consumer has in hand. All else passes, and MassTransit dead-letters it.
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
        catch (DeliveryInFlightException inHand)
        {
            await DelayAsync(context, WaitFor(inHand), counted: false);
        }
        catch (Exception failure) when (Failure.WasNotTried(failure))
        {
            // However often this comes back while the other side is down, it has not asked: it waits in the first delay, and no try is spent.
            await DelayAndTellAsync(context, failure, NextDelay(0, Failure.AtLeast(failure))!.Value, counted: false);
        }
        catch (Exception failure) when (Failure.IsTransient(failure) && NextDelay(context.GetRedeliveryCount(), Failure.AtLeast(failure)) is not null)
        {
            await DelayAndTellAsync(context, failure, NextDelay(context.GetRedeliveryCount(), Failure.AtLeast(failure))!.Value, counted: true);
        }
    }

    private async Task DelayAndTellAsync(ConsumeContext<SendGifEmail> context, Exception failure, TimeSpan delay, bool counted)
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

    // The copy waits already: a failure now must not dead-letter the original on top of it.
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

    /// <summary>The step for this redelivery, or a later one where a longer pause was asked for; null when all are used up.</summary>
    private TimeSpan? NextDelay(int redeliveries, TimeSpan atLeast)
    {
        var left = options.Value.Steps.Skip(redeliveries).ToArray();
        return left.Length == 0 ? null : left.Where(delay => delay >= atLeast).Append(left[^1]).First();
    }

    // In steps short enough to end soon after the lease does, and never past the longest.
    private TimeSpan WaitFor(DeliveryInFlightException inHand)
    {
        var lease = inHand.Until - time.GetUtcNow() ?? TimeSpan.Zero;
        return options.Value.Steps.Where(delay => delay >= lease).Append(options.Value.Steps[^1]).First();
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "That {SubmissionId} is delayed could not be told ({Reason}): its page says so only after the next try")]
    private static partial void LogNotTold(ILogger log, Guid submissionId, string reason);
}
