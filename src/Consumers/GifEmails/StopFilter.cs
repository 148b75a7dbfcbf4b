using MassTransit;
using MassTransit.Transports;
using WorkinIt.Contracts;

namespace WorkinIt.Consumers.GifEmails;

/// <summary>
/// An orderly stop: what was fetched ahead is left to others, so that the process ends as soon as the mails in hand are out. The
/// message is cancelled, not failed: no fault, no dead letter; the broker returns it when the channel closes.
/// </summary>
internal sealed class StopFilter(IHostApplicationLifetime lifetime) : IFilter<ConsumeContext<SendGifEmail>>
{
    public async Task Send(ConsumeContext<SendGifEmail> context, IPipe<ConsumeContext<SendGifEmail>> next)
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

    private void LeaveIfStopping(ConsumeContext context)
    {
        if (!lifetime.ApplicationStopping.IsCancellationRequested)
            return;
        (context.ReceiveContext as BaseReceiveContext)?.Cancel();
        throw new OperationCanceledException(context.CancellationToken);
    }
}
