using MassTransit;
using MassTransit.Events;
using MassTransit.Metadata;

namespace WorkinIt.Messaging;

/// <summary>
/// Publishes the fault of a message that is about to become a dead letter. MassTransit publishes it in the middle of the pipeline, where a fault
/// that can't be routed to a queue is either lost or becomes the reason of the dead letter.
/// </summary>
/// <typeparam name="T">The message's type.</typeparam>
/// <param name="retry">Retries the publish.</param>
public sealed class FaultFilter<T>(PublishRetry retry) : IFilter<ExceptionReceiveContext>, IFilter<ConsumeContext>
    where T : class
{
    /// <inheritdoc/>
    public async Task Send(ExceptionReceiveContext context, IPipe<ExceptionReceiveContext> next)
    {
        if (!context.IsFaulted)
            await context.NotifyFaulted(context.Exception);
        if (context.TryGetPayload<Read>(out var read) && read.Context.TryGetMessage<T>(out var message))
        {
            Fault<T> fault = new FaultEvent<T>(message.Message, message.MessageId, HostMetadataCache.Host, context.Exception, [.. message.SupportedMessageTypes]);
            await retry.UntilTakenAsync($"the events ({typeof(Fault<T>).Name[..5]} of {typeof(T).Name})", context, () => read.Context.Publish(fault, CancellationToken.None));
        }
        await next.Send(context);
    }

    /// <summary>Keeps the deserialized message, in case it fails.</summary>
    /// <param name="context">The message.</param>
    /// <param name="next">The rest of the pipeline.</param>
    public Task Send(ConsumeContext context, IPipe<ConsumeContext> next)
    {
        context.ReceiveContext.GetOrAddPayload(() => new Read(context));
        return next.Send(context);
    }

    /// <inheritdoc/>
    public void Probe(ProbeContext context) => context.CreateFilterScope("fault");

    private sealed record Read(ConsumeContext Context);
}
