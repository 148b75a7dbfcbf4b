using RabbitMQ.Client;
using RabbitMQ.Client.Exceptions;
using WorkinIt.Messaging;

namespace WorkinIt.DeadLetters;

/// <summary>
/// Asks the broker about any queue or exchange by declaring it, each time on a channel of its own: the broker closes a channel whose declaration it
/// refuses. The answers are current, unlike those of the management API.
/// </summary>
internal sealed class QueueDeclarations(IConnection connection)
{
    /// <summary>How many messages are ready in a queue.</summary>
    /// <exception cref="DeadLetterException">The queue does not exist, the user may not read its counts, or the broker can't count its messages now.</exception>
    public Task<long> ReadyAsync(string queue, CancellationToken cancellationToken) =>
        connection.OnOwnChannelAsync(queue, async channel => (long)(await channel.CountAsync(queue, cancellationToken) ?? throw NotCounted(queue)).MessageCount, cancellationToken);

    /// <summary>How many messages are ready in a queue, asked once; null if the broker can't count them now.</summary>
    /// <exception cref="DeadLetterException">The queue does not exist, or the user may not read its counts.</exception>
    public Task<long?> TryReadyAsync(string queue, CancellationToken cancellationToken) =>
        connection.OnOwnChannelAsync(queue, async channel => (long?)(await channel.CountAsync(queue, cancellationToken, tries: 1))?.MessageCount, cancellationToken);

    /// <summary>
    /// How many consumers a queue has. Exact, unlike the management API's count, which still includes the consumer of our previous read for a while.
    /// </summary>
    /// <exception cref="DeadLetterException">The queue does not exist, the user may not read its counts, or the broker can't count its consumers now.</exception>
    public Task<uint> ConsumersAsync(string queue, CancellationToken cancellationToken) =>
        connection.OnOwnChannelAsync(queue, async channel => (await channel.CountAsync(queue, cancellationToken) ?? throw NotCounted(queue)).ConsumerCount, cancellationToken);

    /// <summary>How many messages are ready in a queue, and how many consumers it has; null if it does not exist.</summary>
    /// <exception cref="DeadLetterException">The broker can't count them now.</exception>
    public async Task<(long Ready, uint Consumers)?> CountsAsync(string queue, CancellationToken cancellationToken) =>
        await ReadCountsAsync(queue, QueueCounting.MostTries, cancellationToken) switch
        {
            (null, null, _) => null,
            (null, _, true) => (0, 1),
            (null, _, false) => throw NotCounted(queue),
            ({ } ready, var consumers, _) => (ready, consumers ?? 0),
        };

    /// <summary>
    /// How many messages are ready in a queue, and how many consumers it has, asked once. Two nulls if it does not exist; null messages and a consumer if the broker can't
    /// count them now, or the user may not read the counts.
    /// </summary>
    public async Task<(long? Ready, uint? Consumers)> TryCountsAsync(string queue, CancellationToken cancellationToken)
    {
        var (ready, consumers, _) = await ReadCountsAsync(queue, tries: 1, cancellationToken);
        return (ready, consumers);
    }

    private async Task<(long? Ready, uint? Consumers, bool IsRefused)> ReadCountsAsync(string queue, int tries, CancellationToken cancellationToken)
    {
        try
        {
            return await connection.OnOwnChannelAsync<(long?, uint?, bool)>(
                queue, async channel => await channel.CountAsync(queue, cancellationToken, tries) is { } counts ? (counts.MessageCount, counts.ConsumerCount, false) : (null, 1, false), cancellationToken);
        }
        catch (DeadLetterException e) when (e.Problem == DeadLetterProblem.NoSuchQueue)
        {
            return (null, null, false);
        }
        catch (DeadLetterException e) when (e.InnerException is OperationInterruptedException { ShutdownReason.ReplyCode: Constants.ResourceLocked or Constants.AccessRefused })
        {
            return (null, 1, true); // an exclusive queue of another connection, or, from RabbitMQ 4 on, a queue without any permission for the user: its counts can't be read
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

    private static DeadLetterException NotCounted(string queue) => new(
        DeadLetterProblem.Unreachable, $"RabbitMQ can't count the messages in {queue} now: the queue did not answer for several seconds. Check the load of the broker and its disk, then try again");
}
