using System.Runtime.CompilerServices;
using RabbitMQ.Client;
using RabbitMQ.Client.Exceptions;

namespace WorkinIt.DeadLetters;

/// <summary>A message that was taken and not yet acked.</summary>
internal readonly record struct Taken(ulong Tag, DeadLetter Letter, TakenWindow Window);

/// <summary>
/// One operation on one queue: holds its lock, takes messages from its head, acks those that were moved and gives back the
/// others in their order.
/// </summary>
internal sealed class QueueSession : IAsyncDisposable
{
    private const int LargestWindow = 1000;
    private const int LargestPassedOver = 20_000; // of these only the tags are held
    private const long WindowBytes = 16 * 1024 * 1024;

    private static readonly Version _returnsGoFirst = new(4, 3);

    private readonly DeadLetterOptions _options;
    private readonly IConnection _connection;
    private readonly QueueWindows _windows;
    private readonly Dictionary<ulong, int> _seen = [];
    private readonly Dictionary<ulong, int> _moved = [];
    private Publisher? _publisher;
    private Taken? _peeked;
    private int _window = 32;

    private QueueSession(DeadLetterOptions options, string queue, IConnection connection, IChannel take) =>
        (_options, Queue, _connection, _windows, Failures) =
            (options, queue, connection, new QueueWindows(take, queue, () => ReadyAsync(CancellationToken.None)), new FailureWatch(connection, queue));

    public string Queue { get; }

    /// <summary>Which of the replayed messages fail again.</summary>
    public FailureWatch Failures { get; }

    public bool IsQuorum { get; set; }

    /// <summary>How many returns the broker allows a message before it drops it; null where it counts none.</summary>
    public long? DeliveryLimit { get; set; }

    /// <summary>How long the queue lets a message wait; null where it sets no limit.</summary>
    public TimeSpan? TimeToLive { get; set; }

    /// <summary>The largest frame that the broker takes; 0: any.</summary>
    public uint FrameMax => _connection.FrameMax;
    /// <summary>How long a pass may hold messages; see <see cref="ConsumerTimeout"/>.</summary>
    public TimeSpan LongestPass { get; set; } = TimeSpan.FromMinutes(5);

    /// <summary>How many messages RabbitMQ's delayed retry hid when the session began.</summary>
    public long Hidden { get; set; }

    public Version BrokerVersion { get; private init; } = new(0, 0);

    /// <summary>Why RabbitMQ takes no messages now; null where it does.</summary>
    public string? Blocked => _publisher?.Blocked;

    /// <summary>Called when that changes.</summary>
    public Action? OnBlocked { get; set; }

    /// <param name="options">The broker.</param>
    /// <param name="queue">The queue.</param>
    /// <param name="what">The verb, for whoever finds the queue locked.</param>
    /// <param name="who">The person.</param>
    /// <param name="patience">How long to wait for another operation's end.</param>
    /// <param name="holder">Asks who holds the lock.</param>
    /// <param name="cancellationToken">Ends it.</param>
    public static async Task<QueueSession> OpenAsync(
        DeadLetterOptions options, string queue, string what, string who, TimeSpan patience,
        Func<string, CancellationToken, Task<string>> holder, CancellationToken cancellationToken)
    {
        var connection = await BrokerConnection.OpenAsync(options, $"dead letters: {what} {queue}", cancellationToken);
        try
        {
            await QueueLock.TakeAsync(connection, queue, what, who, patience, holder, cancellationToken);
            var take = await connection.CreateChannelAsync(cancellationToken: cancellationToken);
            return new QueueSession(options, queue, connection, take) { BrokerVersion = connection.BrokerVersion() };
        }
        catch (Exception e)
        {
            await connection.DisposeAsync();
            if (e is OperationInterruptedException interrupted)
                throw BrokerConnection.InWords(interrupted, queue);
            throw;
        }
    }

    /// <summary>The messages that are ready.</summary>
    public Task<long> ReadyAsync(CancellationToken cancellationToken) => ReadyAsync(Queue, cancellationToken);

    /// <summary>What can be known of it without the management API.</summary>
    public Task<BrokerQueue> ProbeAsync(CancellationToken cancellationToken) => QueueProbe.DescribeAsync(_connection, Queue, BrokerVersion, cancellationToken);

    /// <summary>How many consume it. Exact, as the management API's count is not: that one still has our last look in it.</summary>
    public Task<uint> ConsumersAsync(string queue, CancellationToken cancellationToken) =>
        _connection.OnOwnChannelAsync(queue, async channel => (await channel.QueueDeclarePassiveAsync(queue, cancellationToken)).ConsumerCount, cancellationToken);

    public Task<long> ReadyAsync(string queue, CancellationToken cancellationToken) =>
        _connection.OnOwnChannelAsync(queue, async channel => (long)(await channel.QueueDeclarePassiveAsync(queue, cancellationToken)).MessageCount, cancellationToken);

    /// <summary>How many messages are ready in a queue, and how many consume it; null where there is none.</summary>
    public async Task<(long Ready, uint Consumers)?> CountsAsync(string queue, CancellationToken cancellationToken)
    {
        try
        {
            return await _connection.OnOwnChannelAsync(queue, async channel =>
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
            return (0, 1); // another connection's own queue, or, from RabbitMQ 4 on, one that the user has no right on: it shows nothing
        }
    }

    /// <summary>Whether an exchange of that name stands.</summary>
    public async Task<bool> HasExchangeAsync(string exchange, CancellationToken cancellationToken)
    {
        if (!BrokerNames.Fits(exchange))
            return false;
        try
        {
            return await _connection.OnOwnChannelAsync(Queue, async channel =>
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

    public Task DeclareAsync(string queue, Dictionary<string, object?> arguments, CancellationToken cancellationToken) =>
        _connection.OnOwnChannelAsync(Queue,
            channel => channel.QueueDeclareAsync(queue, durable: true, exclusive: false, autoDelete: false, arguments, cancellationToken: cancellationToken), cancellationToken);

    /// <summary>Takes messages from the head in windows of a few megabytes.</summary>
    public async IAsyncEnumerable<IReadOnlyList<Taken>> TakeAsync(long count, long firstPosition, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var position = firstPosition;
        var left = count;
        if (_peeked is { } peeked && left > 0)
        {
            _peeked = null;
            position++;
            left--;
            yield return [peeked];
        }
        while (left > 0)
        {
            cancellationToken.ThrowIfCancellationRequested();
            var window = await _windows.TakeAsync((int)Math.Min(_window, left));
            if (window.Count == 0)
                yield break;
            var largest = 1;
            var letters = new List<Taken>(window.Count);
            foreach (var delivery in window)
            {
                var hash = DeadLetterJson.HashOf(delivery.Properties, delivery.Body);
                var twin = _seen.TryGetValue(hash, out var before) ? before : 0;
                _seen[hash] = twin + 1;
                letters.Add(new Taken(delivery.Tag, new DeadLetter(Queue, position++, twin, delivery.Properties, delivery.Body, hash) { QueueTimeToLive = TimeToLive }, delivery.Window));
                largest = Math.Max(largest, delivery.Body.Length);
            }
            left -= letters.Count;
            // One return more, and the broker would drop it: a copy at the queue's end, its count at nought, waits for the next look.
            foreach (var spent in letters.Where(taken => taken.Letter.DeliveryCount >= DeliveryLimit).ToList())
            {
                if (await RenewAsync(spent))
                    letters.Remove(spent);
            }
            _window = (int)Math.Clamp(Math.Min(WindowBytes / largest, _window * 4L), 1, LargestWindow);
            yield return letters;
        }
    }

    /// <summary>Takes the message at the head and holds it; it is the first that <see cref="TakeAsync"/> brings.</summary>
    public async Task<Taken?> PeekAsync(CancellationToken cancellationToken)
    {
        (var window, _window) = (_window, 1);
        await foreach (var first in TakeAsync(1, 1, cancellationToken))
            _peeked = first[0];
        _window = window;
        return _peeked;
    }

    /// <summary>Checks that what was taken is still held.</summary>
    /// <exception cref="DeadLetterException">The broker took it back: it closed the channel or the connection.</exception>
    public void EnsureHolds() => _windows.EnsureHolds();

    /// <summary>Acks one that was moved.</summary>
    public async Task AckAsync(Taken taken, CancellationToken cancellationToken)
    {
        await _windows.AckAsync(taken.Window, taken.Tag, cancellationToken);
        _moved[taken.Letter.Hash] = _moved.GetValueOrDefault(taken.Letter.Hash) + 1;
    }

    /// <summary>
    /// Gives all that is held back to its place. On a classic queue one nack keeps the order. A quorum queue puts what comes back
    /// behind all else, or behind what came back before and ahead of the rest (<see cref="ReturnsGoFirst"/>): so what is in its way
    /// is taken first, and comes back after it.
    /// </summary>
    /// <param name="withTheRest">Whether order counts; else the broker's count of returns does, which the rest would spend as well.</param>
    public async Task GiveBackAsync(bool withTheRest = true)
    {
        if (!_windows.HoldsSome)
            return;
        if (IsQuorum && withTheRest)
            await TakeTheRestAsync();
        await _windows.ReturnAsync(oneByOne: IsQuorum);
        _seen.Clear();
        foreach (var (hash, count) in _moved) // a twin keeps its number when the one before it is gone
            _seen.Add(hash, count);
    }

    /// <summary>Lets others at the queue, when all that is left is to wait for outcomes.</summary>
    public Task ReleaseAsync(CancellationToken cancellationToken) => QueueLock.ReleaseAsync(_connection, Queue, cancellationToken);

    /// <summary>Publishes, mandatory; see <see cref="Publisher.SendAsync"/>.</summary>
    public Task<Task<string?>> SendAsync(string exchange, string routingKey, BasicProperties properties, ReadOnlyMemory<byte> body, CancellationToken cancellationToken) =>
        _publisher!.SendAsync(exchange, routingKey, properties, body, cancellationToken);

    /// <summary>No confirm is waited for any longer, where the broker takes no messages.</summary>
    public void GiveUpWhileBlocked() => _publisher?.GiveUpWhileBlocked();

    public async Task OpenPublisherAsync(CancellationToken cancellationToken) =>
        _publisher ??= await Publisher.OpenAsync(_options, $"dead letters: publish from {Queue}", () => OnBlocked?.Invoke(), cancellationToken);

    /// <summary>
    /// For one that the broker would drop at its next return: a copy at the queue's end, its count at nought, takes its place.
    /// </summary>
    public async Task<bool> RenewAsync(Taken taken)
    {
        await OpenPublisherAsync(CancellationToken.None);
        if (await await SendAsync("", Queue, MovedProperties.Renewed(taken.Letter), taken.Letter.Body, CancellationToken.None) is not null)
            return false;
        await AckAsync(taken, CancellationToken.None);
        return true;
    }

    public async ValueTask DisposeAsync()
    {
        try
        {
            await GiveBackAsync();
        }
        catch (Exception e) when (e is DeadLetterException or OperationInterruptedException or AlreadyClosedException or IOException or TimeoutException)
        {
            // The broker gives back what a lost connection held.
        }
        finally
        {
            try
            {
                if (_publisher is not null)
                    await _publisher.DisposeAsync();
            }
            finally
            {
                await _connection.DisposeAsync(); // and with it the lock, whatever went wrong before
            }
        }
    }

    // Seen on 3.10 and 4.3: only an older quorum queue without a limit puts what comes back at its very end.
    private bool ReturnsGoFirst => DeliveryLimit is not null || BrokerVersion >= _returnsGoFirst;

    // All, or, where returns go first, until one comes that had never been taken.
    private async Task TakeTheRestAsync()
    {
        if (AllInPlace())
            return;
        if (ReturnsGoFirst)
            _window = 1; // in most cases the next one is fresh
        if (DeliveryLimit is not null)
        {
            await foreach (var _ in TakeAsync(await ReadyAsync(CancellationToken.None), 1, CancellationToken.None))
            {
                if (AllInPlace())
                    return;
            }
            return;
        }
        while (!AllInPlace() && await ReadyAsync(CancellationToken.None) is > 0 and var ready && (await _windows.TakeAsync((int)Math.Min(_window, ready), tagsOnly: true)).Count > 0)
            _window = Math.Min(LargestPassedOver, _window * 4);

        bool AllInPlace() => ReturnsGoFirst && !_windows.LastHadComeBack;
    }
}
