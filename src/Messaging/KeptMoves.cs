using System.Globalization;
using System.Text;
using MassTransit;
using MassTransit.RabbitMqTransport;
using RabbitMQ.Client;

namespace WorkinIt.Messaging;

/// <summary>
/// Moves failed and unreadable messages to their dead-letter queue without losing any. If the dead-letter queue is missing, the message is
/// parked: it waits in a delay queue for the next try, so that it doesn't block a worker. If there is no delay queue either, it waits in the process.
/// </summary>
/// <param name="publisher">Publishes with confirms.</param>
/// <param name="retry">Retries until the broker accepts.</param>
/// <param name="parking">The delay queues, the shortest first.</param>
public sealed class KeptMoves(ConfirmedPublisher publisher, PublishRetry retry, DelaySteps parking)
{
    private const string Target = "Parked-For";
    private const string Count = "Parked-Count";

    private static readonly TimeSpan _beforeParking = TimeSpan.FromSeconds(3);

    /// <summary>Makes a receive endpoint move messages through this class. The filter must be the endpoint's outermost one.</summary>
    /// <param name="endpoint">The endpoint.</param>
    public void Use(IReceiveEndpointConfigurator endpoint) => endpoint.ConfigureReceive(receive => receive.UseFilter(new Filter(this)));

    /// <summary>Sends a copy to a queue through <see cref="QueueTopology.MoveExchange"/>. If a delay queue is missing, another one is used.</summary>
    /// <param name="message">The message in flight.</param>
    /// <param name="queue">The queue.</param>
    /// <param name="send">Sends it to a queue.</param>
    internal async Task SendAsync(ReceiveContext message, string queue, Func<string, Task> send)
    {
        string[] queues = parking.Queues.Contains(queue) ? [queue, .. parking.Queues.Where(other => other != queue)] : [queue];
        await retry.UntilTakenAsync(queue, message, async () =>
        {
            foreach (var one in queues.SkipLast(1))
            {
                if (await TryAsync(one, send))
                    return;
            }
            await send(queues[^1]);
        });
    }

    private static async Task<bool> TryAsync(string queue, Func<string, Task> send)
    {
        try
        {
            await send(queue);
            return true;
        }
        catch (MessageReturnedException)
        {
            return false;
        }
    }

    private async Task MoveAsync(ReceiveContext message, string exchange, string routingKey, BasicProperties properties, ReadOnlyMemory<byte> body)
    {
        if (message.TryGetPayload<RabbitMqBasicConsumeContext>(out var original))
            KeptProperties.Apply(original.Properties, properties);
        while (!await retry.UntilTakenAsync(exchange, message, () => publisher.PublishAsync(exchange, routingKey, properties, body), parking.Queues.Count > 0 ? _beforeParking : null))
        {
            if (await TryParkAsync(message, exchange, properties, body))
                return;
        }
    }

    private async Task<bool> TryParkAsync(ReceiveContext message, string exchange, BasicProperties properties, ReadOnlyMemory<byte> body)
    {
        var times = properties.Headers?.TryGetValue(Count, out var count) == true ? Convert.ToInt32(count, CultureInfo.InvariantCulture) : 0;
        // At most the second-shortest delay, so that the message reaches its queue soon after that queue is deployed.
        var queue = parking.Queues[Math.Min(times, Math.Min(1, parking.Queues.Count - 1))];
        var parked = new BasicProperties(properties) { Headers = new Dictionary<string, object?>(properties.Headers ?? new Dictionary<string, object?>()) };
        DeathHeaders.Remove(parked.Headers);
        parked.Headers[Target] = exchange;
        parked.Headers[Count] = times + 1;
        return await retry.UntilTakenAsync($"{QueueTopology.MoveExchange} as {queue}", message, () => publisher.PublishAsync(QueueTopology.MoveExchange, queue, parked, body), TimeSpan.Zero);
    }

    private async Task UnparkAsync(ReceiveContext message, string exchange, IReadOnlyBasicProperties parked)
    {
        var properties = new BasicProperties(parked) { Headers = new Dictionary<string, object?>(parked.Headers!) };
        DeathHeaders.Remove(properties.Headers);
        properties.Headers.Remove(Target);
        await MoveAsync(message, exchange, "", properties, message.GetBody());
    }

    private static string? TargetOf(ReceiveContext message, out IReadOnlyBasicProperties? properties)
    {
        properties = message.TryGetPayload<RabbitMqBasicConsumeContext>(out var consumed) ? consumed.Properties : null;
        return properties?.Headers?.TryGetValue(Target, out var target) == true && target is byte[] text ? Encoding.UTF8.GetString(text) : null;
    }

    private sealed class Filter(KeptMoves moves) : IFilter<ReceiveContext>
    {
        public async Task Send(ReceiveContext context, IPipe<ReceiveContext> next)
        {
            if (TargetOf(context, out var properties) is { } target)
            {
                await moves.UnparkAsync(context, target, properties!);
                return;
            }
            if (context.TryGetPayload<ChannelContext>(out var channel))
                context.AddOrUpdatePayload<ChannelContext>(() => channel, known => new MovingChannel(known, context, moves));
            context.GetOrAddPayload(() => moves);
            await next.Send(context);
        }

        public void Probe(ProbeContext context) => context.CreateFilterScope("keptMoves");
    }

    /// <summary>
    /// MassTransit publishes on the delivering channel for one purpose: to move the message to a dead-letter queue. So every publish here is a move.
    /// </summary>
    private sealed class MovingChannel(ChannelContext context, ReceiveContext message, KeptMoves moves)
        : SharedChannelContext(context, context.CancellationToken), ChannelContext
    {
        Task ChannelContext.BasicPublishAsync(
            string exchange, string routingKey, bool mandatory, BasicProperties basicProperties, byte[] body, bool awaitAck, CancellationToken cancellationToken) =>
            moves.MoveAsync(message, exchange, routingKey, basicProperties, body);
    }
}

/// <summary>The delay queues of a service.</summary>
/// <param name="Queues">Their names, the shortest delay first; empty if the service has no delay queues.</param>
public sealed record DelaySteps(IReadOnlyList<string> Queues);
