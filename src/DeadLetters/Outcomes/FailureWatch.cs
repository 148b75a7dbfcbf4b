using System.Collections.Concurrent;
using System.Diagnostics;
using RabbitMQ.Client;
using RabbitMQ.Client.Events;

namespace WorkinIt.DeadLetters;

/// <summary>A replayed message that failed again or was skipped.</summary>
internal sealed record SeenFailure(Outcome Outcome, NewLetter Letter, Cause Cause, string? StackTrace = null);

/// <summary>
/// Detects replayed messages that fail again. A temporary queue of the operation receives a copy of each message that goes to the dead-letter
/// exchanges of a queue, so the dead-letter queues need not be read.
/// </summary>
internal sealed class FailureWatch(IConnection connection, string queue)
{
    private const int LongestReason = 300;
    private const int MostTraces = 200;
    private static readonly TimeSpan _lateEvery = TimeSpan.FromSeconds(2);

    private readonly ConcurrentDictionary<string, SeenFailure> _seen = new();
    private readonly ConcurrentDictionary<string, string> _traces = new(); // thousands of failures have few different ones
    private readonly ConcurrentDictionary<string, byte> _missing = new();
    private readonly Stopwatch _sinceLate = Stopwatch.StartNew();
    private IChannel? _channel;
    private string _operation = "";

    private string Copies => QueueLock.NameFor(queue, ":" + _operation);

    /// <summary>The failure of a replayed message; null if none was seen.</summary>
    /// <param name="replayId">The replay's id, and the message's number in it.</param>
    public SeenFailure? Find(string replayId) => _seen.GetValueOrDefault(replayId);

    /// <summary>Starts watching more exchanges.</summary>
    /// <param name="operation">The replay's id.</param>
    /// <param name="exchanges">The exchanges that its failed messages would pass through. Missing ones are watched as soon as they exist.</param>
    /// <param name="cancellationToken">Cancels the operation.</param>
    public async Task WatchAsync(string operation, IReadOnlyCollection<string> exchanges, CancellationToken cancellationToken)
    {
        if (_channel is null)
            await BeginAsync(operation, cancellationToken);
        foreach (var exchange in exchanges)
        {
            if (!await BindAsync(exchange, cancellationToken))
                _missing.TryAdd(exchange, 0);
        }
    }

    /// <summary>Starts watching exchanges that were missing before and exist now.</summary>
    /// <param name="cancellationToken">Cancels the operation.</param>
    /// <returns>These exchanges. Messages that passed through them earlier were not seen.</returns>
    public async Task<IReadOnlyList<string>> WatchLateAsync(CancellationToken cancellationToken)
    {
        if (_missing.IsEmpty || _sinceLate.Elapsed < _lateEvery)
            return [];
        _sinceLate.Restart();
        var late = new List<string>();
        foreach (var exchange in _missing.Keys)
        {
            if (await BindAsync(exchange, cancellationToken) && _missing.TryRemove(exchange, out _))
                late.Add(exchange);
        }
        return late;
    }

    /// <summary>Records a dead letter if it belongs to this replay.</summary>
    /// <param name="letter">The dead letter, or a copy of it.</param>
    /// <param name="exchange">The exchange that it passed through.</param>
    public void See(DeadLetter letter, string exchange)
    {
        if (letter.Header(Headers.ReplayId) is not { } id || !id.StartsWith(_operation + ".", StringComparison.Ordinal))
            return;
        var reason = letter.Reason is { Length: > LongestReason } text ? text[..LongestReason] + "…" : letter.Reason;
        var isQueue = exchange == queue || exchange.EndsWith("_error", StringComparison.Ordinal) || exchange.EndsWith("_skipped", StringComparison.Ordinal);
        _seen.TryAdd(id, new SeenFailure(
            letter.Kind == DeadLetterKind.Skipped || exchange.EndsWith("_skipped", StringComparison.Ordinal) ? Outcome.Skipped : Outcome.FailedAgain,
            new NewLetter(isQueue ? exchange : null, letter.Id, letter.ExceptionType, reason), letter.Cause, Trace(letter)));
    }

    private string? Trace(DeadLetter letter) => letter.StackTrace is not { } trace ? null
        : _traces.TryGetValue(trace, out var kept) ? kept
        : _traces.Count < MostTraces ? _traces.GetOrAdd(trace, trace)
        : null;

    // Without permission to read an exchange, failures there are not seen, and no outcome is reported for them. The same holds for an exchange that
    // can't be asked for: if it is missing, RabbitMQ 4 closes the connection of the replay.
    private async Task<bool> BindAsync(string exchange, CancellationToken cancellationToken)
    {
        if (BrokerNames.MayOverflowReply(exchange) && connection.BrokerVersion().Major >= 4)
            return true;
        try
        {
            return await connection.OnOwnChannelAsync(queue, async channel =>
            {
                await channel.QueueBindAsync(Copies, exchange, "", cancellationToken: cancellationToken);
                return true;
            }, cancellationToken);
        }
        catch (DeadLetterException e) when (e.Problem is DeadLetterProblem.NoSuchQueue)
        {
            return false;
        }
        catch (DeadLetterException e) when (e.Problem is DeadLetterProblem.Forbidden)
        {
            return true;
        }
    }

    private async Task BeginAsync(string operation, CancellationToken cancellationToken)
    {
        _operation = operation;
        _channel = await connection.CreateChannelAsync(cancellationToken: cancellationToken);
        await _channel.QueueDeclareAsync(Copies, durable: false, exclusive: true, autoDelete: false, cancellationToken: cancellationToken);
        var consumer = new AsyncEventingBasicConsumer(_channel);
        consumer.ReceivedAsync += (_, delivery) =>
        {
            if (delivery.BasicProperties.Headers?.ContainsKey(Headers.ReplayId) == true)
            {
                var (properties, body) = (EmptyFields.Restore(delivery.BasicProperties), delivery.Body.ToArray());
                See(new DeadLetter(delivery.Exchange, 0, 0, properties, body, DeadLetterJson.HashOf(properties, body)), delivery.Exchange);
            }
            return Task.CompletedTask;
        };
        await _channel.BasicConsumeAsync(Copies, autoAck: true, consumer, cancellationToken);
    }
}
