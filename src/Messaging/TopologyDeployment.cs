using System.Text;
using MassTransit;
using Microsoft.Extensions.Options;
using RabbitMQ.Client;
using RabbitMQ.Client.Exceptions;
using ExchangeType = RabbitMQ.Client.ExchangeType;

namespace WorkinIt.Messaging;

/// <summary>
/// Declares everything once, before the services start: MassTransit's part by starting the bus with
/// <c>DeployTopologyOnly</c>, then the queues that MassTransit would declare at the first failure only.
/// </summary>
/// <param name="bus">A bus that was configured with <c>DeployTopologyOnly</c>.</param>
/// <param name="client">Declares the rest.</param>
/// <param name="deadLetters">The type of the dead-letter queues.</param>
public sealed class TopologyDeployment(IBusControl bus, RabbitMqClient client, IOptions<DeadLetterQueueOptions> deadLetters)
{
    // If a queue exists with different arguments, MassTransit retries endlessly.
    private static readonly TimeSpan _deadline = TimeSpan.FromSeconds(30);

    /// <summary>Deploys the topology. Can be run again: what already exists with the same arguments is left unchanged.</summary>
    /// <param name="delays">The delays; each gets a delay queue.</param>
    /// <returns>What is wrong, or null if the topology is complete.</returns>
    public async Task<string?> RunAsync(IEnumerable<TimeSpan> delays)
    {
        using var deadline = new CancellationTokenSource(_deadline);
        try
        {
            return await DeployAsync(delays, deadline.Token).WaitAsync(deadline.Token);
        }
        catch (BrokerUnreachableException e)
        {
            return ServerCertificate.ProblemIn(e) ?? "RabbitMQ is unreachable, or refuses the login: check ConnectionStrings__RabbitMq and the broker";
        }
        catch (OperationInterruptedException e) when (e.ShutdownReason?.ReplyCode == Constants.PreconditionFailed)
        {
            return $"A queue or exchange exists with different arguments, and these can't be changed: empty and delete it, then deploy again ({e.ShutdownReason.ReplyText})";
        }
        catch (OperationInterruptedException e) when (e.ShutdownReason?.ReplyCode == Constants.AccessRefused)
        {
            return $"The user has no right to declare everything: deploy as the user topology ({e.ShutdownReason.ReplyText})";
        }
        catch (Exception e) when (e is OperationCanceledException or MassTransitException or RabbitMQClientException)
        {
            return $"The topology was not deployed within {_deadline.TotalSeconds:0} s: see the log above for a queue that exists with different arguments, or the broker's log ({e.GetType().Name})";
        }
    }

    private async Task<string?> DeployAsync(IEnumerable<TimeSpan> delays, CancellationToken cancellationToken)
    {
        await using var connection = await client.OpenAsync("topology", cancellationToken);
        var version = VersionOf(connection);
        await using var channel = await connection.CreateChannelAsync(cancellationToken: cancellationToken);

        // The dead-letter queues come first: they must exist before the input queue does, because a message may fail at once.
        await channel.ExchangeDeclareAsync(QueueTopology.DeadExchange, ExchangeType.Fanout, durable: true, autoDelete: false, cancellationToken: cancellationToken);
        foreach (var queue in new[]
        {
            QueueTopology.ErrorQueue, QueueTopology.SkippedQueue, QueueTopology.StatusQueue + "_error", QueueTopology.StatusQueue + "_skipped",
        })
            await DeclareAsync(channel, queue, QueueTopology.DeadLetterQueueArguments(deadLetters.Value.Type, version), cancellationToken);
        await channel.QueueBindAsync(QueueTopology.ErrorQueue, QueueTopology.DeadExchange, "", cancellationToken: cancellationToken);

        await bus.DeployAsync(cancellationToken);

        // Earlier versions made this binding.
        await channel.ExchangeUnbindAsync(QueueTopology.StatusQueue, QueueTopology.DeadExchange, "", cancellationToken: cancellationToken);
        await channel.ExchangeDeclareAsync(QueueTopology.ProbeExchange, ExchangeType.Fanout, durable: true, autoDelete: false, cancellationToken: cancellationToken);
        await channel.ExchangeDeclareAsync(QueueTopology.ReportExchange, ExchangeType.Topic, durable: true, autoDelete: false, cancellationToken: cancellationToken);
        await channel.ExchangeDeclareAsync(QueueTopology.MoveExchange, ExchangeType.Direct, durable: true, autoDelete: false, cancellationToken: cancellationToken);
        await channel.QueueBindAsync(QueueTopology.QuarantineQueue, QueueTopology.MoveExchange, QueueTopology.QuarantineQueue, cancellationToken: cancellationToken);
        await DeclareAsync(channel, QueueTopology.LedgerQueue, QueueTopology.LedgerQueueArguments(version), cancellationToken);
        await channel.QueueBindAsync(QueueTopology.LedgerQueue, QueueTopology.MoveExchange, QueueTopology.LedgerQueue, cancellationToken: cancellationToken);
        foreach (var delay in delays)
        {
            var queue = DelayQueues.Name(delay);
            await DeclareAsync(channel, queue, DelayQueues.Arguments(delay, version), cancellationToken);
            await channel.QueueBindAsync(queue, QueueTopology.MoveExchange, queue, cancellationToken: cancellationToken);
        }
        return null;
    }

    // As MassTransit declares it: a queue, and a fanout exchange of the same name in front of it.
    private static async Task DeclareAsync(IChannel channel, string queue, Dictionary<string, object?> arguments, CancellationToken cancellationToken)
    {
        await channel.ExchangeDeclareAsync(queue, ExchangeType.Fanout, durable: true, autoDelete: false, cancellationToken: cancellationToken);
        await channel.QueueDeclareAsync(queue, durable: true, exclusive: false, autoDelete: false, arguments, cancellationToken: cancellationToken);
        await channel.QueueBindAsync(queue, queue, "", cancellationToken: cancellationToken);
    }

    private static Version VersionOf(IConnection connection) =>
        connection.ServerProperties?["version"] is byte[] text && Version.TryParse(Encoding.ASCII.GetString(text).Split('-', '+')[0], out var version)
            ? version
            : throw new InvalidOperationException("The broker does not report its version");
}
