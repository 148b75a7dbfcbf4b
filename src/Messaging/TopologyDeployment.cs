using MassTransit;

namespace WorkinIt.Messaging;

/// <summary>
/// Declares everything once, before the services start: MassTransit's part by starting the bus with
/// <c>DeployTopologyOnly</c>, then the queues that MassTransit would declare at the first failure only.
/// </summary>
/// <param name="bus">A bus that was configured with <c>DeployTopologyOnly</c>.</param>
/// <param name="client">For the rest.</param>
public sealed class TopologyDeployment(IBusControl bus, RabbitMqClient client)
{
    /// <summary>Deploys. Can be run again: what stands already with the same arguments stays as it is.</summary>
    /// <param name="cancellationToken">Ends the attempt.</param>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        await using var connection = await client.OpenAsync("topology", cancellationToken);
        await using var channel = await connection.CreateChannelAsync(cancellationToken: cancellationToken);

        // The dead-letter queues come first: from the moment the input queue exists, what fails must have its place.
        await channel.ExchangeDeclareAsync(QueueTopology.DeadExchange, RabbitMQ.Client.ExchangeType.Fanout, durable: true, autoDelete: false, cancellationToken: cancellationToken);
        foreach (var queue in new[] { QueueTopology.ErrorQueue, QueueTopology.SkippedQueue })
        {
            await channel.ExchangeDeclareAsync(queue, RabbitMQ.Client.ExchangeType.Fanout, durable: true, autoDelete: false, cancellationToken: cancellationToken);
            await channel.QueueDeclareAsync(
                queue, durable: true, exclusive: false, autoDelete: false,
                new Dictionary<string, object?>(QueueTopology.DeadLetterQueueArguments), cancellationToken: cancellationToken);
            await channel.QueueBindAsync(queue, queue, "", cancellationToken: cancellationToken);
        }
        await channel.QueueBindAsync(QueueTopology.ErrorQueue, QueueTopology.DeadExchange, "", cancellationToken: cancellationToken);

        await bus.DeployAsync(cancellationToken);
    }
}
