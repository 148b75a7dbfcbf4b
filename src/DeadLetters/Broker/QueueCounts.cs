using RabbitMQ.Client;
using RabbitMQ.Client.Exceptions;
using WorkinIt.Messaging;

namespace WorkinIt.DeadLetters;

/// <summary>
/// The current message counts of queues. The management API's counts are up to 5 seconds old: they may report an empty queue after the first
/// dead letter has arrived.
/// </summary>
internal static class QueueCounts
{
    private const int MostTries = 3; // of each queue in a list

    /// <summary>Reads from the broker how many messages are ready.</summary>
    /// <param name="options">The broker.</param>
    /// <param name="queues">The queues.</param>
    /// <param name="cancellationToken">Cancels the operation.</param>
    /// <returns>The counts by queue, without queues that no longer exist, are down or do not answer.</returns>
    public static async Task<IReadOnlyDictionary<string, long>> ReadyAsync(DeadLetterOptions options, IReadOnlyList<string> queues, CancellationToken cancellationToken)
    {
        if (queues.Count == 0)
            return new Dictionary<string, long>();
        await using var connection = await BrokerConnection.OpenAsync(options, "dead letters: count", cancellationToken);
        try
        {
            return (await ReadAsync(connection, queues, cancellationToken)).ToDictionary(queue => queue.Key, queue => queue.Value.Ready);
        }
        catch (Exception e) when (e is RabbitMQClientException or IOException or TimeoutException)
        {
            throw new DeadLetterException(DeadLetterProblem.Unreachable, "The connection to the broker was lost: try again when the broker is back", e);
        }
    }

    /// <summary>Reads from the broker how many messages are ready, and how many consumers there are, on an existing connection.</summary>
    /// <returns>The counts by queue, without queues that no longer exist, are down, do not answer, or that the user has no permission for.</returns>
    public static async Task<IReadOnlyDictionary<string, (long Ready, uint Consumers)>> ReadAsync(IConnection connection, IReadOnlyList<string> queues, CancellationToken cancellationToken)
    {
        var counts = new Dictionary<string, (long, uint)>();
        IChannel? channel = null;
        try
        {
            foreach (var queue in queues)
            {
                channel ??= await connection.CreateChannelAsync(cancellationToken: cancellationToken);
                try
                {
                    if (await channel.CountAsync(queue, cancellationToken, MostTries) is { } answer)
                        counts[queue] = (answer.MessageCount, answer.ConsumerCount);
                }
                catch (Exception e) when (e is OperationInterruptedException or TimeoutException && connection.IsOpen)
                {
                    await channel.DisposeAsync(); // the broker closed it with the refusal
                    channel = null;
                }
            }
        }
        finally
        {
            if (channel is not null)
                await channel.DisposeAsync();
        }
        return counts;
    }
}
