using MassTransit;

namespace WorkinIt.Messaging;

/// <summary>
/// Publishes for a message in flight. MassTransit's own publish records each attempt, and fails the message if one of them failed, even if a later
/// one succeeded. Then a mail that was sent, or a message that waits in a delay queue, would get a dead letter as well.
/// </summary>
public static class UntrackedPublish
{
    /// <summary>Publishes once.</summary>
    /// <typeparam name="T">The event's type.</typeparam>
    /// <param name="context">The message in flight.</param>
    /// <param name="message">The event.</param>
    /// <param name="cancellationToken">Cancels the publish.</param>
    public static async Task PublishUntrackedAsync<T>(this ConsumeContext context, T message, CancellationToken cancellationToken)
        where T : class
    {
        var endpoint = await context.ReceiveContext.PublishEndpointProvider.GetPublishSendEndpoint<T>();
        await endpoint.Send(message, Pipe.Execute<SendContext<T>>(send => send.TransferConsumeContextHeaders(context)), cancellationToken);
    }
}
