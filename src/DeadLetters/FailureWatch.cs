using System.Collections.Concurrent;
using RabbitMQ.Client;
using RabbitMQ.Client.Events;

namespace WorkinIt.DeadLetters;

/// <summary>
/// Notices which replayed messages fail again: copies of what goes to the dead-letter exchanges of a queue come to a queue of the operation's
/// own, so that nobody has to look into the dead-letter queues themselves.
/// </summary>
internal sealed class FailureWatch(IConnection connection, string queue)
{
    private readonly ConcurrentDictionary<string, byte> _failedAgain = new();
    private IChannel? _channel;

    /// <summary>Whether all places are watched where a replayed message would fail again.</summary>
    public bool SeesAll { get; private set; }

    /// <param name="replayId">A replay's id, and the message's number in it.</param>
    public bool HasSeen(string replayId) => _failedAgain.ContainsKey(replayId);

    /// <summary>Watches from now on, beside what is watched already.</summary>
    /// <param name="operation">The replay's id.</param>
    /// <param name="exchanges">Where its messages would come by.</param>
    /// <param name="cancellationToken">Ends it.</param>
    public async Task WatchAsync(string operation, IReadOnlyCollection<string> exchanges, CancellationToken cancellationToken)
    {
        var all = _channel is null || SeesAll;
        var copies = QueueLock.NameFor(queue, ":" + operation);
        if (_channel is null)
            await BeginAsync(operation, copies, cancellationToken);
        foreach (var exchange in exchanges)
        {
            try
            {
                await connection.OnOwnChannelAsync(queue, async channel =>
                {
                    await channel.QueueBindAsync(copies, exchange, "", cancellationToken: cancellationToken);
                    return true;
                }, cancellationToken);
            }
            catch (DeadLetterException e) when (e.Problem is DeadLetterProblem.Forbidden or DeadLetterProblem.NoSuchQueue)
            {
                all = false;
            }
        }
        SeesAll = all;
    }

    private async Task BeginAsync(string operation, string copies, CancellationToken cancellationToken)
    {
        _channel = await connection.CreateChannelAsync(cancellationToken: cancellationToken);
        await _channel.QueueDeclareAsync(copies, durable: false, exclusive: true, autoDelete: false, cancellationToken: cancellationToken);
        var consumer = new AsyncEventingBasicConsumer(_channel);
        consumer.ReceivedAsync += (_, delivery) =>
        {
            if (Headers.Text(delivery.BasicProperties.Headers, Headers.ReplayId) is { } id && id.StartsWith(operation, StringComparison.Ordinal))
                _failedAgain.TryAdd(id, 0);
            return Task.CompletedTask;
        };
        await _channel.BasicConsumeAsync(copies, autoAck: true, consumer, cancellationToken);
    }
}
