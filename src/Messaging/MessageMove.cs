using System.Globalization;
using MassTransit;
using MassTransit.Serialization;

namespace WorkinIt.Messaging;

/// <summary>Moves a message to another queue unchanged.</summary>
public static class MessageMove
{
    private static readonly Uri _address = new($"exchange:{QueueTopology.MoveExchange}?type=direct");

    /// <summary>
    /// Sends a copy of the message in flight, which may then be acknowledged. Until a queue accepts the copy, it is sent again with growing pauses.
    /// </summary>
    /// <typeparam name="T">The message's type.</typeparam>
    /// <param name="context">The message in flight.</param>
    /// <param name="queue">A delay queue, or the quarantine queue.</param>
    /// <param name="change">Changes the copy; null to leave it as the original.</param>
    /// <exception cref="OperationCanceledException">The process stops, or the message has returned to its queue.</exception>
    public static Task SendAsync<T>(ConsumeContext<T> context, string queue, Action<SendContext<T>>? change = null)
        where T : class =>
        context.ReceiveContext.TryGetPayload<KeptMoves>(out var moves)
            ? moves.SendAsync(context.ReceiveContext, queue, to => SendOnceAsync(context, to, change))
            : SendOnceAsync(context, queue, change);

    private static async Task SendOnceAsync<T>(ConsumeContext<T> context, string queue, Action<SendContext<T>>? change)
        where T : class
    {
        // Not the ConsumeContext's own endpoint: it records each attempt, and a failed one would fail the message although a later one succeeded.
        var endpoint = await context.ReceiveContext.SendEndpointProvider.GetSendEndpoint(_address);
        await endpoint.Send(
            context.Message,
            new ForwardMessagePipe<T>(context, Pipe.Execute<SendContext<T>>(send =>
            {
                change?.Invoke(send);
                var rabbit = send.GetPayload<RabbitMqSendContext>();
                (rabbit.RoutingKey, rabbit.Mandatory) = (queue, true);
                DeathHeaders.Remove(send.Headers); // the delivery count starts at zero there
                KeptHeaders.Keep(context, send.Headers);
                Keep(context, send);
            })),
            CancellationToken.None);
    }

    // The sender's time to live applied to the first queue. A message whose time to live has passed would expire at once in each delay queue.
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
