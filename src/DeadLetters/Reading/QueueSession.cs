using System.Runtime.CompilerServices;
using RabbitMQ.Client;
using RabbitMQ.Client.Exceptions;

namespace WorkinIt.DeadLetters;

/// <summary>A message that was taken and is not acked yet.</summary>
internal readonly record struct Taken(ulong Tag, DeadLetter Letter, TakenWindow Window);

/// <summary>
/// One operation on one queue: holds the queue's lock, takes messages from its head, acks those that were moved and returns the
/// others in their order.
/// </summary>
internal sealed class QueueSession : IAsyncDisposable
{
    private const int LargestWindow = 1000;
    private const int LargestPassedOver = 20_000; // only their tags are kept
    private const long WindowBytes = 16 * 1024 * 1024;

    private static readonly Version _returnsGoFirst = new(4, 3);

    private readonly DeadLetterOptions _options;
    private readonly IConnection _connection;
    private readonly QueueWindows _windows;
    private readonly Dictionary<ulong, int> _seen = [];
    private readonly Dictionary<ulong, int> _moved = [];
    private readonly SemaphoreSlim _opening = new(1, 1);
    private readonly TaskCompletionSource _lost = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private volatile Publisher? _publisher;
    private bool _isReleased;
    private Taken? _peeked;
    private int _window = 32;

    private QueueSession(DeadLetterOptions options, string queue, IConnection connection, IChannel take)
    {
        (_options, Queue, _connection, Broker, _windows, Failures) =
            (options, queue, connection, new QueueDeclarations(connection), new QueueWindows(take, queue, () => Broker!.TryReadyAsync(queue, CancellationToken.None)), new FailureWatch(connection, queue));
        connection.ConnectionShutdownAsync += (_, _) =>
        {
            _lost.TrySetResult();
            return Task.CompletedTask;
        };
    }

    public string Queue { get; }

    /// <summary>The queues and exchanges of the broker, as the session's connection sees them.</summary>
    public QueueDeclarations Broker { get; }

    /// <summary>Detects which of the replayed messages fail again.</summary>
    public FailureWatch Failures { get; }

    public bool IsQuorum { get; set; }

    /// <summary>Whether RabbitMQ's delayed retry hides each returned message for a while.</summary>
    public bool HidesReturned { get; set; }

    /// <summary>How many returns of a message the broker allows before it drops the message; null if it does not count returns.</summary>
    public long? DeliveryLimit { get; set; }

    /// <summary>How long a message may wait in the queue; null if there is no limit.</summary>
    public TimeSpan? TimeToLive { get; set; }

    /// <summary>The largest frame that the broker accepts; 0: any.</summary>
    public uint FrameMax => _connection.FrameMax;

    /// <summary>How long one pass through the queue may hold messages; see <see cref="ConsumerTimeout"/>.</summary>
    public TimeSpan LongestPass { get; set; } = TimeSpan.FromMinutes(5);

    /// <summary>How many messages RabbitMQ's delayed retry hid when the session began.</summary>
    public long Hidden { get; set; }

    public Version BrokerVersion { get; private init; } = new(0, 0);

    /// <summary>Why RabbitMQ accepts no messages now; null if it does.</summary>
    public string? Blocked => _publisher?.Blocked;

    /// <summary>Called when <see cref="Blocked"/> changes.</summary>
    public Action? OnBlocked { get; set; }

    /// <summary>Connects and takes the lock.</summary>
    /// <param name="options">The broker.</param>
    /// <param name="queue">The queue.</param>
    /// <param name="what">The verb, shown to others who find the queue locked.</param>
    /// <param name="who">The operator.</param>
    /// <param name="timeout">How long to wait for another operation to end.</param>
    /// <param name="holder">Finds out who holds the lock.</param>
    /// <param name="cancellationToken">Cancels the operation.</param>
    public static async Task<QueueSession> OpenAsync(
        DeadLetterOptions options, string queue, string what, string who, TimeSpan timeout,
        Func<string, CancellationToken, Task<string>> holder, CancellationToken cancellationToken)
    {
        var connection = await BrokerConnection.OpenAsync(options, $"dead letters: {what} {queue}", cancellationToken);
        try
        {
            await QueueLock.TakeAsync(connection, queue, what, who, timeout, holder, cancellationToken);
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

    /// <summary>How many messages are ready.</summary>
    public Task<long> ReadyAsync(CancellationToken cancellationToken) => Broker.ReadyAsync(Queue, cancellationToken);

    /// <summary>Shows that the catalogue reads the queue, so that an operation waits for it instead of being refused.</summary>
    public Task ShowReadingAsync(CancellationToken cancellationToken) => QueueLock.ShowReadingAsync(_connection, Queue, cancellationToken);

    /// <summary>Whether an operation waits for the catalogue.</summary>
    public Task<bool> IsWaitedForAsync(CancellationToken cancellationToken) => QueueLock.IsWaitedForAsync(_connection, Queue, cancellationToken);

    /// <summary>Describes the queue without the management API.</summary>
    public Task<BrokerQueue> ProbeAsync(CancellationToken cancellationToken) => QueueProbe.DescribeAsync(_connection, Queue, BrokerVersion, cancellationToken);

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
                letters.Add(new Taken(delivery.Tag, new DeadLetter(Queue, position++, twin, delivery.Properties, delivery.Body, hash) { QueueTimeToLive = TimeToLive, DeliveryCount = ReturnCount.Of(delivery.Properties.Headers, delivery.Redelivered, BrokerVersion) }, delivery.Window));
                largest = Math.Max(largest, delivery.Body.Length);
            }
            left -= letters.Count;
            // The broker would drop these messages at their next return. So each is replaced by a copy at the end of the queue, with its count
            // reset; the next read finds it.
            foreach (var spent in letters.Where(taken => taken.Letter.DeliveryCount >= DeliveryLimit).ToList())
            {
                if (await RenewAsync(spent))
                    letters.Remove(spent);
            }
            _window = (int)Math.Clamp(Math.Min(WindowBytes / largest, _window * 4L), 1, LargestWindow);
            yield return letters;
        }
    }

    /// <summary>Takes the message at the head and holds it; <see cref="TakeAsync"/> returns it first.</summary>
    public async Task<Taken?> PeekAsync(CancellationToken cancellationToken)
    {
        (var window, _window) = (_window, 1);
        await foreach (var first in TakeAsync(1, 1, cancellationToken))
            _peeked = first[0];
        _window = window;
        return _peeked;
    }

    /// <summary>Checks that the taken messages are still held.</summary>
    /// <exception cref="DeadLetterException">The broker took them back: it closed the channel or the connection.</exception>
    public void EnsureHolds() => _windows.EnsureHolds();

    /// <summary>The number of the last ack that the broker has received for certain.</summary>
    public long ProvenAcks => _windows.ProvenAcks;

    /// <summary>Acks a message that was moved.</summary>
    /// <returns>The ack's number, from 1.</returns>
    public async Task<long> AckAsync(Taken taken, CancellationToken cancellationToken)
    {
        var number = await _windows.AckAsync(taken.Window, taken.Tag, cancellationToken);
        _moved[taken.Letter.Hash] = _moved.GetValueOrDefault(taken.Letter.Hash) + 1;
        return number;
    }

    /// <summary>Waits until the broker has received all acks.</summary>
    public Task ProveAcksAsync() => _windows.ProveAcksAsync();

    /// <summary>
    /// Returns all held messages to their places. On a classic queue one nack keeps the order. A quorum queue puts a returned message behind
    /// all others, or behind those returned earlier and ahead of the rest (<see cref="ReturnsGoFirst"/>). So, to keep the order, the
    /// messages behind a held one are taken too, and returned after it.
    /// </summary>
    /// <param name="withTheRest">
    /// Whether to keep the order. If false, only the held messages are returned and the order may change. This spares the other messages a return,
    /// which would count toward their delivery limit.
    /// </param>
    public async Task GiveBackAsync(bool withTheRest = true)
    {
        if (!_windows.HoldsSome)
            return;
        try
        {
            if (IsQuorum && withTheRest)
                await TakeTheRestAsync();
        }
        finally
        {
            await _windows.ReturnAsync(oneByOne: IsQuorum, HidesReturned); // not left to the closing of the channel, which changes the order
            _seen.Clear();
            foreach (var (hash, count) in _moved) // an identical message keeps its number after the one before it was moved
                _seen.Add(hash, count);
        }
    }

    /// <summary>Releases the lock on the queue once the operation only waits for outcomes.</summary>
    public Task ReleaseAsync(CancellationToken cancellationToken)
    {
        _isReleased = true;
        return QueueLock.ReleaseAsync(_connection, Queue, cancellationToken);
    }

    /// <summary>Publishes a message as mandatory; see <see cref="Publisher.SendAsync"/>. The first message opens the publisher's connection.</summary>
    public async Task<Task<string?>> SendAsync(string exchange, string routingKey, BasicProperties properties, ReadOnlyMemory<byte> body, CancellationToken cancellationToken) =>
        await (await PublisherAsync()).SendAsync(exchange, routingKey, properties, body, cancellationToken);

    /// <summary>Ends when the connection that holds the lock is lost.</summary>
    public Task Lost => _lost.Task;

    /// <summary>Closes the publisher's connection. The next message opens a new one: after an alarm, the old one waits for no more confirms.</summary>
    public async Task RenewPublisherAsync()
    {
        if (_publisher is { } old)
            await old.DisposeAsync();
        _publisher = null;
    }

    /// <summary>Stops waiting for confirms if the broker accepts no messages.</summary>
    public void GiveUpWhileBlocked() => _publisher?.GiveUpWhileBlocked();

    /// <summary>
    /// For a message that the broker would drop at its next return: puts a copy with a reset count at the end of the queue, and acks the original.
    /// </summary>
    public async Task<bool> RenewAsync(Taken taken)
    {
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
            // RabbitMQ deletes a connection's exclusive queues only after it has answered the close, so the next operation could find the lock taken.
            if (!_isReleased)
                await ReleaseAsync(CancellationToken.None);
        }
        catch (Exception e) when (e is DeadLetterException or OperationInterruptedException or AlreadyClosedException or IOException or TimeoutException)
        {
            // The broker returns the messages that a lost connection held.
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
                await _connection.DisposeAsync(); // releases the lock too, even after an error above
                _opening.Dispose();
            }
        }
    }

    private async Task<Publisher> PublisherAsync()
    {
        await _opening.WaitAsync(); // a message may be renewed while another one is moved
        try
        {
            return _publisher ??= await Publisher.OpenAsync(_options, $"dead letters: publish from {Queue}", () => OnBlocked?.Invoke(), CancellationToken.None);
        }
        finally
        {
            _opening.Release();
        }
    }

    // Seen on 3.10 and 4.3: only an older quorum queue without a limit puts returned messages at its very end.
    private bool ReturnsGoFirst => DeliveryLimit is not null || BrokerVersion >= _returnsGoFirst;

    // Takes all messages. If returned messages go first, stops at the first message that was never taken before.
    private async Task TakeTheRestAsync()
    {
        if (AllInPlace())
            return;
        if (ReturnsGoFirst)
            _window = 1; // in most cases the next message was never taken before
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
