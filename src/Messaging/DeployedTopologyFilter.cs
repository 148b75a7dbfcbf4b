using MassTransit;
using MassTransit.RabbitMqTransport;
using RabbitMQ.Client;

namespace WorkinIt.Messaging;

/// <summary>
/// Keeps a receive endpoint from declaring and binding what it uses, which MassTransit does at each start. All of it is deployed, and
/// who may declare a queue may delete it too, with the messages in it: RabbitMQ has one right for both.
/// </summary>
internal sealed class DeployedTopologyFilter : IFilter<ChannelContext>
{
    public Task Send(ChannelContext context, IPipe<ChannelContext> next) => next.Send(new DeployedChannel(context));

    public void Probe(ProbeContext context) => context.CreateFilterScope("deployedTopology");

    // The dead-letter queues are declared by it as well: MassTransit moves what failed over the channel that it came by.
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
