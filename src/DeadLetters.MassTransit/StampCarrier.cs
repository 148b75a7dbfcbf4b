using MassTransit;
using MassTransit.Courier.Contracts;
using MassTransit.Scheduling;

namespace WorkinIt.DeadLetters.Reports;

/// <summary>
/// Watches what an endpoint sends while it handles a replayed message. The next delivery of the same message gets the replay's headers: a redelivery,
/// a forwarded message, a routing slip on its way to the next activity. All other messages don't: MassTransit copies headers to them.
/// </summary>
internal sealed class StampCarrier : ISendObserver, IPublishObserver
{
    public Task PreSend<T>(SendContext<T> context)
        where T : class
    {
        if (Find(context, out var consumed) is not { } delivery)
            return Task.CompletedTask;
        Note(context.Message, delivery);
        if (Continues(context, consumed!, delivery))
            Stamp.Set(context, delivery.Stamp);
        else
            Stamp.Remove(context);
        return Task.CompletedTask;
    }

    public Task PostSend<T>(SendContext<T> context)
        where T : class
    {
        if (Find(context, out var consumed) is not { } delivery)
            return Task.CompletedTask;
        if (context.Message is ScheduleMessage scheduled && !delivery.HasFailed && context.Headers.TryGetHeader(MessageHeaders.RedeliveryCount, out _))
            delivery.Delayed(scheduled.ScheduledTime.ToUniversalTime());
        if (!Continues(context, consumed!, delivery))
            return Task.CompletedTask;
        if (context.Delay is { } delay && delay > TimeSpan.Zero)
            delivery.Delayed(DateTimeOffset.UtcNow + delay);
        else if (context.Headers.Get<int>(MessageHeaders.RedeliveryCount) > consumed!.GetRedeliveryCount())
            delivery.Delayed(null); // into a delay queue of the application
        else
            delivery.Moved();
        return Task.CompletedTask;
    }

    public Task SendFault<T>(SendContext<T> context, Exception exception)
        where T : class => Task.CompletedTask;

    public Task PrePublish<T>(PublishContext<T> context)
        where T : class
    {
        if (Find(context, out _) is { } delivery)
        {
            Note(context.Message, delivery);
            Stamp.Remove(context);
        }
        return Task.CompletedTask;
    }

    public Task PostPublish<T>(PublishContext<T> context)
        where T : class => Task.CompletedTask;

    public Task PublishFault<T>(PublishContext<T> context, Exception exception)
        where T : class => Task.CompletedTask;

    private static ReplayedDelivery? Find(SendContext context, out ConsumeContext? consumed) =>
        context.TryGetPayload(out consumed) ? ReplayedDelivery.Of(consumed.ReceiveContext) : null;

    /// <summary>
    /// Whether a sent message is the consumed one. A redelivery may have a new id, but always has a count; other messages don't get that header. A message
    /// to a scheduler outside of RabbitMQ has both, but it is not the consumed one: who handles it has only noted it.
    /// </summary>
    private static bool Continues<T>(SendContext<T> sent, ConsumeContext consumed, ReplayedDelivery delivery)
        where T : class =>
        sent.Message is not ScheduleMessage
        && !delivery.HasFailed // a routing slip goes back to compensate: that is not its outcome
        && ((sent.MessageId is { } id && id == consumed.MessageId) || sent.Headers.TryGetHeader(MessageHeaders.RedeliveryCount, out _));

    // An activity that fails is not a failed message for MassTransit: there is no dead letter, and the routing slip goes back or ends.
    private static void Note(object message, ReplayedDelivery delivery)
    {
        switch (message)
        {
            case RoutingSlipActivityFaulted faulted:
                delivery.Failed(null, faulted.ExceptionInfo?.ExceptionType, ReportedErrors.Cut(faulted.ExceptionInfo?.Message));
                break;
            case RoutingSlipActivityCompensationFailed failed:
                delivery.Failed(null, failed.ExceptionInfo?.ExceptionType, ReportedErrors.Cut(failed.ExceptionInfo?.Message));
                break;
            case RoutingSlipActivityCompleted or RoutingSlipActivityCompensated:
                delivery.SlipStepDone();
                break;
            default:
                break;
        }
    }
}
