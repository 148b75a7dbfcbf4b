using RabbitMQ.Client;
using RabbitMQ.Client.Exceptions;

namespace WorkinIt.DeadLetters;

/// <summary>
/// What the queues hold now. The management API's counts are up to 5 seconds old: enough to tell somebody that all is well while
/// the first dead letter stands there.
/// </summary>
internal static class QueueCounts
{
    /// <summary>Asks the broker for the messages that are ready.</summary>
    /// <param name="options">The broker.</param>
    /// <param name="queues">The queues.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <returns>By queue; a queue that is gone, or down, is not among them.</returns>
    public static async Task<IReadOnlyDictionary<string, long>> ReadyAsync(DeadLetterOptions options, IReadOnlyList<string> queues, CancellationToken cancellationToken)
    {
        var ready = new Dictionary<string, long>();
        if (queues.Count == 0)
            return ready;
        await using var connection = await BrokerConnection.OpenAsync(options, "dead letters: count", cancellationToken);
        IChannel? channel = null;
        try
        {
            foreach (var queue in queues)
            {
                channel ??= await connection.CreateChannelAsync(cancellationToken: cancellationToken);
                try
                {
                    ready[queue] = (await channel.QueueDeclarePassiveAsync(queue, cancellationToken)).MessageCount;
                }
                catch (Exception e) when (e is OperationInterruptedException or TimeoutException && connection.IsOpen)
                {
                    await channel.DisposeAsync(); // the refusal has cost it
                    channel = null;
                }
            }
        }
        catch (Exception e) when (e is RabbitMQClientException or IOException or TimeoutException)
        {
            throw new DeadLetterException(DeadLetterProblem.OutOfReach, "The connection to the broker was lost: try again when it is back", e);
        }
        finally
        {
            if (channel is not null)
                await channel.DisposeAsync();
        }
        return ready;
    }
}
