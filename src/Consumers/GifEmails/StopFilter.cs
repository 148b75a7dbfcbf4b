using MassTransit;
using MassTransit.Transports;
using WorkinIt.Contracts;

namespace WorkinIt.Consumers.GifEmails;

/// <summary>
/// An orderly stop: what was fetched ahead is left to others, so that the process ends as soon as the mails in hand are out. The
/// message is cancelled, not failed: no fault, no dead letter; the broker returns it when the channel closes.
/// </summary>
internal sealed class StopFilter(IHostApplicationLifetime lifetime) : IFilter<ConsumerConsumeContext<SendGifEmailConsumer, SendGifEmail>>
{
    public async Task Send(ConsumerConsumeContext<SendGifEmailConsumer, SendGifEmail> context, IPipe<ConsumerConsumeContext<SendGifEmailConsumer, SendGifEmail>> next)
    {
        LeaveIfStopping(context);
        try
        {
            await next.Send(context);
        }
        catch (OperationCanceledException) when (lifetime.ApplicationStopping.IsCancellationRequested)
        {
            LeaveIfStopping(context);
        }
    }

    public void Probe(ProbeContext context) => context.CreateFilterScope("stop");

    // MassTransit takes a cancellation for a fault unless it is the message's own token that was cancelled.
    private void LeaveIfStopping(ConsumeContext context)
    {
        if (!lifetime.ApplicationStopping.IsCancellationRequested)
            return;
        (context.ReceiveContext as BaseReceiveContext)?.Cancel();
        throw new OperationCanceledException(context.CancellationToken);
    }
}
