using RabbitMQ.Client;
using RabbitMQ.Client.Exceptions;

namespace WorkinIt.DeadLetters;

/// <summary>
/// Asks the broker about any queue or exchange by declaring it, each time on a channel of its own: the broker closes a channel whose declaration it
/// refuses. The answers are current, unlike those of the management API.
/// </summary>
internal sealed class QueueDeclarations(IConnection connection)
{
    /// <summary>How many messages are ready in a queue.</summary>
    /// <exception cref="DeadLetterException">The queue does not exist, or the user may not read its counts.</exception>
    public Task<long> ReadyAsync(string queue, CancellationToken cancellationToken) =>
        connection.OnOwnChannelAsync(queue, async channel => (long)(await channel.QueueDeclarePassiveAsync(queue, cancellationToken)).MessageCount, cancellationToken);

    /// <summary>
    /// How many consumers a queue has. Exact, unlike the management API's count, which still includes the consumer of our previous read for a while.
    /// </summary>
    /// <exception cref="DeadLetterException">The queue does not exist, or the user may not read its counts.</exception>
    public Task<uint> ConsumersAsync(string queue, CancellationToken cancellationToken) =>
        connection.OnOwnChannelAsync(queue, async channel => (await channel.QueueDeclarePassiveAsync(queue, cancellationToken)).ConsumerCount, cancellationToken);

    /// <summary>How many messages are ready in a queue, and how many consumers it has; null if it does not exist.</summary>
    public async Task<(long Ready, uint Consumers)?> CountsAsync(string queue, CancellationToken cancellationToken)
    {
        try
        {
            return await connection.OnOwnChannelAsync(queue, async channel =>
            {
                var counts = await channel.QueueDeclarePassiveAsync(queue, cancellationToken);
                return (counts.MessageCount, counts.ConsumerCount);
            }, cancellationToken);
        }
        catch (DeadLetterException e) when (e.Problem == DeadLetterProblem.NoSuchQueue)
        {
            return null;
        }
        catch (DeadLetterException e) when (e.InnerException is OperationInterruptedException { ShutdownReason.ReplyCode: Constants.ResourceLocked or Constants.AccessRefused })
        {
            return (0, 1); // an exclusive queue of another connection, or, from RabbitMQ 4 on, a queue without any permission for the user: its counts can't be read
        }
    }

    /// <summary>Whether an exchange exists.</summary>
    public async Task<bool> HasExchangeAsync(string exchange, CancellationToken cancellationToken)
    {
        if (!BrokerNames.Fits(exchange))
            return false;
        try
        {
            return await connection.OnOwnChannelAsync(exchange, async channel =>
            {
                await channel.ExchangeDeclarePassiveAsync(exchange, cancellationToken);
                return true;
            }, cancellationToken);
        }
        catch (DeadLetterException e) when (e.Problem == DeadLetterProblem.NoSuchQueue)
        {
            return false;
        }
    }

    /// <summary>Creates a queue, unless it exists with the same arguments.</summary>
    public Task CreateAsync(string queue, Dictionary<string, object?> arguments, CancellationToken cancellationToken, bool durable = true) =>
        connection.OnOwnChannelAsync(queue,
            channel => channel.QueueDeclareAsync(queue, durable, exclusive: false, autoDelete: false, arguments, cancellationToken: cancellationToken), cancellationToken);
}
