using System.Globalization;
using MassTransit;
using MassTransit.Serialization;

namespace WorkinIt.Messaging;

/// <summary>Puts a message aside into another queue, as it is.</summary>
public static class MessageMove
{
    private static readonly Uri _address = new($"exchange:{QueueTopology.MoveExchange}?type=direct");

    /// <summary>
    /// Sends a copy of the message in flight, which may then be acknowledged. As long as no queue takes the copy, it is sent again with growing pauses.
    /// </summary>
    /// <typeparam name="T">The message's type.</typeparam>
    /// <param name="context">The message in flight.</param>
    /// <param name="queue">A delay queue, or the suspect queue.</param>
    /// <param name="change">What the copy has other than the original.</param>
    /// <exception cref="OperationCanceledException">The process stops, or the message has returned to its queue.</exception>
    public static Task SendAsync<T>(ConsumeContext<T> context, string queue, Action<SendContext<T>>? change = null)
        where T : class =>
        context.ReceiveContext.TryGetPayload<KeptMoves>(out var moves)
            ? moves.SendAsync(context.ReceiveContext, queue, to => SendOnceAsync(context, to, change))
            : SendOnceAsync(context, queue, change);

    private static async Task SendOnceAsync<T>(ConsumeContext<T> context, string queue, Action<SendContext<T>>? change)
        where T : class
    {
        // Not the message's own endpoint: it keeps each attempt, and the message would fail for the first one after the copy was taken.
        var endpoint = await context.ReceiveContext.SendEndpointProvider.GetSendEndpoint(_address);
        await endpoint.Send(
            context.Message,
            new ForwardMessagePipe<T>(context, Pipe.Execute<SendContext<T>>(send =>
            {
                change?.Invoke(send);
                var rabbit = send.GetPayload<RabbitMqSendContext>();
                (rabbit.RoutingKey, rabbit.Mandatory) = (queue, true);
                DeathHeaders.Remove(send.Headers); // a fresh count of deliveries there
                KeptHeaders.Keep(context, send.Headers);
                Keep(context, send);
            })),
            CancellationToken.None);
    }

    // The sender's time to live was for the first queue; an envelope whose time has passed would leave each delay queue at once.
    private static void Keep<T>(ConsumeContext<T> context, SendContext<T> send)
        where T : class
    {
        if (context.ExpirationTime is { } time)
            send.Headers.Set(KeptProperties.Expiration, time.ToUniversalTime().ToString("O", CultureInfo.InvariantCulture));
        if (context.ReceiveContext.TryGetPayload<RabbitMqBasicConsumeContext>(out var original))
        {
            foreach (var (header, value) in KeptProperties.Leftovers(original.Properties))
                send.Headers.Set(header, value);
        }
        (send.TimeToLive, send.Durable) = (null, true);
    }
}
