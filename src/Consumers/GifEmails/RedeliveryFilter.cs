using MassTransit;
using RabbitMQ.Client.Exceptions;
using WorkinIt.Contracts;
using WorkinIt.Messaging;

namespace WorkinIt.Consumers.GifEmails;

/// <summary>
/// Wraps the in-place retries. A message whose transient failure outlasts them waits in a delay queue; so does a message that another
/// consumer is processing. Any other exception passes through, and MassTransit dead-letters the message.
/// </summary>
internal sealed partial class RedeliveryFilter(RetryPolicy policy, TimeProvider time, ILogger<RedeliveryFilter> log)
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
        catch (Exception failure) when (policy.DelayAfter(failure, context.GetRedeliveryCount()) is not null)
        {
            var delay = policy.DelayAfter(failure, context.GetRedeliveryCount())!.Value;
            await DelayAsync(context, delay, counted: failure is not DeliveryInFlightException && RetryPolicy.CountsAsTry(failure));
            if (failure.Data[FaultData.Attempt] is int attempt) // unknown while the ledger is unreachable, and while another consumer has the submission
                await PublishDelayedAsync(context, new GifEmailDelayed(context.Message.SubmissionId, attempt, time.GetUtcNow() + delay));
        }
    }

    private async Task DelayAsync(ConsumeContext<SendGifEmail> context, TimeSpan delay, bool counted)
    {
        await DelayQueues.SendAsync(context, delay, counted);
        context.ReportReplayDelayed(time.GetUtcNow() + delay);
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

    [LoggerMessage(Level = LogLevel.Warning, Message = "The delay of {SubmissionId} could not be published ({Reason}): its page doesn't show it until after the next try")]
    private static partial void LogNotTold(ILogger log, Guid submissionId, string reason);
}
