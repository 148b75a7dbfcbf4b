using MassTransit;
using MassTransit.Serialization;

namespace WorkinIt.Messaging;

/// <summary>Puts a message aside into another queue, as it is.</summary>
public static class MessageMove
{
    private static readonly Uri _address = new($"exchange:{QueueTopology.MoveExchange}?type=direct");

    /// <summary>Sends a copy of the message in hand; what is in hand may then be acknowledged.</summary>
    /// <typeparam name="T">The message's type.</typeparam>
    /// <param name="context">The message in hand.</param>
    /// <param name="queue">A delay queue, or the suspect queue.</param>
    /// <param name="change">What the copy has other than the original.</param>
    /// <exception cref="MessageReturnedException">There is no such queue: deploy the topology.</exception>
    public static async Task SendAsync<T>(ConsumeContext<T> context, string queue, Action<SendContext<T>>? change = null)
        where T : class
    {
        var endpoint = await context.GetSendEndpoint(_address);
        await endpoint.Send(
            context.Message,
            new ForwardMessagePipe<T>(context, Pipe.Execute<SendContext<T>>(send =>
            {
                change?.Invoke(send);
                var rabbit = send.GetPayload<RabbitMqSendContext>();
                (rabbit.RoutingKey, rabbit.Mandatory) = (queue, true);
                DeathHeaders.Remove(send.Headers); // a fresh count of deliveries there
                ReplayStamp.Keep(context, send.Headers);
            })),
            CancellationToken.None);
    }
}
