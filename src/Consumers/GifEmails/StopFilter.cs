using MassTransit;
using MassTransit.Transports;
using WorkinIt.Contracts;

namespace WorkinIt.Consumers.GifEmails;

/// <summary>
/// Handles an orderly stop: prefetched messages are left to other processes, so that this one ends as soon as the mails in flight are sent. Such a
/// message is cancelled and not failed: no fault, no dead letter. The broker returns it to the queue when the channel closes.
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

    // MassTransit treats a cancellation as a fault unless the message's own token was cancelled.
    private void LeaveIfStopping(ConsumeContext context)
    {
        if (!lifetime.ApplicationStopping.IsCancellationRequested)
            return;
        (context.ReceiveContext as BaseReceiveContext)?.Cancel();
        throw new OperationCanceledException(context.CancellationToken);
    }
}
