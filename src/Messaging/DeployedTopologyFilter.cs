using MassTransit;
using MassTransit.RabbitMqTransport;
using RabbitMQ.Client;

namespace WorkinIt.Messaging;

/// <summary>
/// Prevents a receive endpoint from declaring and binding its topology, which MassTransit does at each start. The topology is deployed beforehand,
/// and a user who may declare a queue may also delete it with its messages: RabbitMQ has one permission for both.
/// </summary>
internal sealed class DeployedTopologyFilter : IFilter<ChannelContext>
{
    public Task Send(ChannelContext context, IPipe<ChannelContext> next) => next.Send(new DeployedChannel(context));

    public void Probe(ProbeContext context) => context.CreateFilterScope("deployedTopology");

    // MassTransit would declare the dead-letter queues over this channel, too: it moves a failed message over the channel that delivered it.
    private sealed class DeployedChannel(ChannelContext context) : SharedChannelContext(context, context.CancellationToken), ChannelContext
    {
        Task ChannelContext.ExchangeDeclare(
            string exchange, string type, bool durable, bool autoDelete, IDictionary<string, object> arguments, CancellationToken cancellationToken) => Task.CompletedTask;

        Task ChannelContext.ExchangeBind(
            string destination, string source, string routingKey, IDictionary<string, object> arguments, CancellationToken cancellationToken) => Task.CompletedTask;

        Task<QueueDeclareOk> ChannelContext.QueueDeclare(
            string queue, bool durable, bool exclusive, bool autoDelete, IDictionary<string, object> arguments, CancellationToken cancellationToken) =>
            Task.FromResult(new QueueDeclareOk(queue, 0, 0));

        Task ChannelContext.QueueBind(
            string queue, string exchange, string routingKey, IDictionary<string, object> arguments, CancellationToken cancellationToken) => Task.CompletedTask;
    }
}
