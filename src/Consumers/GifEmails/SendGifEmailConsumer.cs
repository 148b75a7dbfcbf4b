using System.Diagnostics;
using System.Globalization;
using System.Runtime.ExceptionServices;
using MassTransit;
using WorkinIt.Contracts;

namespace WorkinIt.Consumers.GifEmails;

/// <summary>Delivers, and puts the result in MassTransit's terms: an event for what is settled, an exception for what is not.</summary>
internal sealed class SendGifEmailConsumer(GifEmailDelivery delivery, OutcomePublisher outcomes, IHostApplicationLifetime lifetime) : IConsumer<SendGifEmail>
{
    public async Task Consume(ConsumeContext<SendGifEmail> context)
    {
        var id = context.Message.SubmissionId;
        switch (await delivery.DeliverAsync(context.Message, ReplayOf(context), lifetime.ApplicationStopping))
        {
            case DeliveryResult.Sent sent:
                await outcomes.PublishAsync(context, new GifEmailSent(id, sent.Attempt, sent.At, sent.Gif, sent.ConfirmedByOperator));
                break;
            case DeliveryResult.Blocked blocked:
                await outcomes.PublishAsync(context, new GifEmailBlocked(id, blocked.Attempt, blocked.At));
                break;
            case DeliveryResult.Held held:
                Fault(new DeliveryHeldException(held.Evidence), held.Attempt);
                break;
            case DeliveryResult.TryLater later:
                Fault(later.Reason, later.Attempt);
                break;
            case DeliveryResult.Failed failed:
                Fault(failed.Reason, failed.Attempt);
                break;
            default:
                throw new UnreachableException();
        }
    }

    // The exception keeps its stack trace: operators' pages group dead letters by it.
    private static void Fault(Exception reason, int? attempt)
    {
        if (attempt is { } number)
            reason.Data[FaultData.Attempt] = number;
        ExceptionDispatchInfo.Throw(reason);
    }

    private static ReplayStamp? ReplayOf(ConsumeContext context) =>
        context.ReceiveContext.TransportHeaders.TryGetHeader(ReplayHeaders.Id, out var replay) && Convert.ToString(replay, CultureInfo.InvariantCulture) is { Length: > 0 } id
            ? new ReplayStamp(id, context.ReceiveContext.TransportHeaders.TryGetHeader(ReplayHeaders.SendAgain, out _))
            : null;
}
