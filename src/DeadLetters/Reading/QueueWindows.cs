using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Threading.Channels;
using RabbitMQ.Client;
using RabbitMQ.Client.Events;
using RabbitMQ.Client.Exceptions;
using WorkinIt.Messaging;

namespace WorkinIt.DeadLetters;

/// <summary>A message as the broker delivered it; only the tag of a message that was passed over.</summary>
internal readonly record struct Delivery(TakenWindow Window, ulong Tag, bool Redelivered, BasicProperties Properties, byte[] Body);

/// <summary>The messages that one consumer delivered.</summary>
internal sealed class TakenWindow
{
    /// <summary>The tags of the messages that are neither acked nor returned.</summary>
    public ConcurrentDictionary<ulong, byte> Held { get; } = new();
}

/// <summary>
/// Takes messages from a queue's head in windows. Each window has its own consumer, whose prefetch is the window's size, so the broker sends no
/// more, whatever is held already. Returns messages window by window, in the order in which they were taken.
/// </summary>
/// <param name="channel">A channel for this class alone; its connection closes it.</param>
/// <param name="queue">The queue.</param>
/// <param name="ready">Counts the ready messages in the queue; null if the broker can't count them now.</param>
internal sealed class QueueWindows(IChannel channel, string queue, Func<Task<long?>> ready)
{
    private static readonly TimeSpan _pause = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan _silence = TimeSpan.FromSeconds(10); // of one consumer; then the next consumer tries again
    private static readonly TimeSpan _timeout = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan _allReturned = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan _shortPatience = TimeSpan.FromSeconds(1); // after a window of which some were not counted
    private static readonly TimeSpan _returnPause = TimeSpan.FromMilliseconds(5);
    private static readonly BasicProperties _none = new();

    // In a cluster, the node that sends may not be the node that counts. Messages that it has not sent yet return when their consumer ends, and are counted then.
    private const int EmptyAnswersNeeded = 3;

    private readonly List<TakenWindow> _windows = [];
    private int _consumers;
    private long _acked;
    private long _provenAcks;
    private long _delivered;
    private volatile bool _lastHadComeBack;

    /// <summary>How long to wait while no further message is counted: those that have expired, or that a limit of the queue drops, never are.</summary>
    public TimeSpan ReturnPatience { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>The same for a classic queue, which has handled the returns soon after it answers for its counts.</summary>
    public TimeSpan ClassicReturnPatience { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>Whether messages may be held, and can be returned.</summary>
    public bool HoldsSome => channel.IsOpen && _windows.Count > 0;

    /// <summary>Whether the last delivered message had been taken before.</summary>
    public bool LastHadComeBack => _lastHadComeBack;

    /// <summary>The number of the last ack that the broker has received for certain: it answered a later request on the channel.</summary>
    public long ProvenAcks => Volatile.Read(ref _provenAcks);

    /// <summary>Takes the next messages.</summary>
    /// <param name="size">How many at most; fewer only if the queue has no more.</param>
    /// <param name="tagsOnly">Whether to keep only the tags: the messages are in the way, and are returned unread.</param>
    /// <exception cref="DeadLetterException">The broker closed the channel, or counts messages that it does not deliver.</exception>
    public async Task<IReadOnlyList<Delivery>> TakeAsync(int size, bool tagsOnly = false)
    {
        var window = new List<Delivery>(size);
        var sinceLast = Stopwatch.StartNew();
        while (true)
        {
            var before = window.Count;
            try
            {
                await ConsumeAsync(window, size, tagsOnly);
            }
            catch (Exception e) when (IsUndeliverable && e is DeadLetterException or RabbitMQClientException)
            {
                throw Undeliverable(e);
            }
            // The messages that a cancelled consumer missed are ready again by now. So the count decides, not the time that it took.
            if (window.Count >= size || await CountAsync() is not (> 0 and var undelivered))
                return window;
            if (window.Count > before)
                sinceLast.Restart();
            else if (sinceLast.Elapsed > _timeout)
                throw new DeadLetterException(DeadLetterProblem.Unreachable, $"RabbitMQ counts {undelivered} more messages in {queue} but has delivered none of them for {_timeout.TotalSeconds:0} s. Every message that was moved is reported: try again when RabbitMQ is less busy");
        }
    }

    // Adds the messages that one consumer delivers to the window.
    private async Task ConsumeAsync(List<Delivery> window, int size, bool tagsOnly)
    {
        var tag = string.Create(CultureInfo.InvariantCulture, $"window-{_consumers++:D8}");
        var inbox = Channel.CreateUnbounded<Delivery>();
        var taken = new TakenWindow();
        _windows.Add(taken);
        var consumer = new AsyncEventingBasicConsumer(channel);
        consumer.ReceivedAsync += (_, delivery) =>
        {
            taken.Held.TryAdd(delivery.DeliveryTag, 0);
            _lastHadComeBack = delivery.Redelivered;
            Interlocked.Increment(ref _delivered);
            inbox.Writer.TryWrite(tagsOnly
                ? new Delivery(taken, delivery.DeliveryTag, delivery.Redelivered, _none, [])
                : new Delivery(taken, delivery.DeliveryTag, delivery.Redelivered, EmptyFields.Restore(delivery.BasicProperties), delivery.Body.ToArray()));
            return Task.CompletedTask;
        };
        consumer.UnregisteredAsync += (_, _) => EndAsync();
        consumer.ShutdownAsync += (_, _) => EndAsync();
        try
        {
            var acked = Volatile.Read(ref _acked);
            await channel.BasicQosAsync(0, (ushort)(size - window.Count), global: false, CancellationToken.None);
            Proven(acked);
            await channel.BasicConsumeAsync(queue, autoAck: false, tag, noLocal: false, exclusive: false, arguments: null, consumer, CancellationToken.None);
            // Runs to its end even after a cancel. When a consumer is cancelled, a quorum queue immediately takes back the messages in
            // transit, ahead of the messages that were taken first.
            await FillAsync(window, size, inbox.Reader);
        }
        finally
        {
            if (channel.IsOpen) // before anything is returned, otherwise it would be delivered here again
                await channel.BasicCancelAsync(tag, cancellationToken: CancellationToken.None);
        }
        EnsureHolds();
        window.AddRange(await inbox.Reader.ReadAllAsync().ToListAsync()); // the consumer is notified of its end after all of its deliveries

        Task EndAsync()
        {
            inbox.Writer.TryComplete();
            return Task.CompletedTask;
        }
    }

    // Seen with messages of AMQP 1.0 clients whose properties RabbitMQ can't convert: it closes the connection of each 0-9-1 consumer that reaches them.
    private bool IsUndeliverable => channel.CloseReason is { Initiator: ShutdownInitiator.Peer, ReplyCode: Constants.InternalError } && !BrokerNames.MayOverflowReply(queue);

    private DeadLetterException Undeliverable(Exception cause)
    {
        var before = Interlocked.Read(ref _delivered);
        return new DeadLetterException(
            DeadLetterProblem.Refused,
            string.Create(CultureInfo.InvariantCulture, $"RabbitMQ closed the connection (541) at about position {before + 1:N0} of {queue}. All messages that were not moved are still in the queue: run this again. If it ends at the same position, RabbitMQ can't give that message to an AMQP 0-9-1 client, probably because an AMQP 1.0 client has sent it: take it out with one"),
            cause);
    }

    /// <summary>Checks that the channel is open: when it closes, the broker returns all of its messages to the queue.</summary>
    public void EnsureHolds()
    {
        if (!channel.IsOpen)
            throw BrokerConnection.Closed(channel.CloseReason);
    }

    /// <summary>Acks a message. An ack has no answer, so it may be lost with the connection; see <see cref="ProvenAcks"/>.</summary>
    /// <returns>The ack's number, from 1.</returns>
    public async Task<long> AckAsync(TakenWindow window, ulong tag, CancellationToken cancellationToken)
    {
        await channel.BasicAckAsync(tag, multiple: false, cancellationToken);
        window.Held.TryRemove(tag, out _);
        Interlocked.Decrement(ref _delivered); // it is not in the queue any more
        return Interlocked.Increment(ref _acked);
    }

    /// <summary>Waits until the broker has received all acks.</summary>
    public async Task ProveAcksAsync()
    {
        if (ProvenAcks < Volatile.Read(ref _acked))
            await CountAsync();
    }

    /// <summary>
    /// Returns all held messages, and waits until the broker counts them. A queue counts returned messages later than it answers, on a busy machine many seconds
    /// later, and until then another reader would find too few messages: a classic queue answers for its counts before it has handled the returns that came earlier.
    /// </summary>
    /// <param name="oneByOne">
    /// A channel that is busy with acks sends a quorum queue's returns of several consumers in reverse order. So each window is returned,
    /// and seen to have arrived, before the next.
    /// </param>
    /// <param name="areHidden">Whether RabbitMQ's delayed retry hides returned messages, so that they are not counted.</param>
    public async Task ReturnAsync(bool oneByOne, bool areHidden = false)
    {
        await ProveAcksAsync(); // the waits below may end with the connection
        var held = _windows.Where(window => !window.Held.IsEmpty).ToList();
        if (held.Count > 0)
            // Up to the last message that is still held: for a tag that was acked already, the broker closes the channel.
            await ReturnInOrderAsync(oneByOne ? held.Select(window => (window.Held.Keys.Max(), window.Held.Count)) : [(held.Max(window => window.Held.Keys.Max()), held.Sum(window => window.Held.Count))], oneByOne ? ReturnPatience : ClassicReturnPatience, areHidden);
        await channel.BasicNackAsync(0, multiple: true, requeue: true); // 0: all that is left
        _windows.Clear();
        Interlocked.Exchange(ref _delivered, 0);
        await CountAsync(); // answered after the broker has received the returns
    }

    // Returns what was taken up to a tag, and sees that as many messages more are ready, before the next.
    private async Task ReturnInOrderAsync(IEnumerable<(ulong LastTag, int Count)> parts, TimeSpan patience, bool areHidden)
    {
        var clock = Stopwatch.StartNew();
        var expected = areHidden ? 0 : await CountBeforeAsync(patience);
        foreach (var (lastTag, count) in parts)
        {
            await channel.BasicNackAsync(lastTag, multiple: true, requeue: true);
            expected += count;
            if (areHidden)
                await CountAsync();
            else if (await SeeReadyAsync(expected, patience, clock) is var counted && counted < expected)
                (expected, patience) = (counted, _shortPatience);
            else
                clock.Restart(); // only windows that are not counted completely use up the time
        }
    }

    // The messages that are ready already. If the broker can't count them, only the number of those that return is waited for.
    private async Task<long> CountBeforeAsync(TimeSpan patience)
    {
        for (var clock = Stopwatch.StartNew(); ;)
        {
            if (await ready() is { } counted)
                return counted;
            if (clock.Elapsed >= patience)
                return 0;
            await Task.Delay(_returnPause);
        }
    }

    // Until the expected number is ready, or no further message was counted for the patience. An answer that is missing says nothing about that. Returns the highest count.
    private async Task<long> SeeReadyAsync(long expected, TimeSpan patience, Stopwatch clock)
    {
        var most = 0L;
        for (var sinceLast = Stopwatch.StartNew(); ;)
        {
            var counted = await ready();
            if (counted is null || counted > most)
                sinceLast.Restart();
            most = Math.Max(most, counted ?? 0);
            if (most >= expected || sinceLast.Elapsed >= patience || clock.Elapsed >= _allReturned)
                return most;
            await Task.Delay(_returnPause);
        }
    }

    // Until all requested messages have arrived, or no more are in transit.
    private async Task FillAsync(List<Delivery> window, int size, ChannelReader<Delivery> inbox)
    {
        var emptyAnswers = 0;
        var sinceLast = Stopwatch.StartNew();
        while (window.Count < size)
        {
            using var wait = new CancellationTokenSource(_pause);
            try
            {
                if (!await inbox.WaitToReadAsync(wait.Token))
                    return;
            }
            catch (OperationCanceledException)
            {
                // Fewer than were counted: some expired, were taken by another consumer, or are slow. On this channel the broker answers after
                // everything that it has sent before: the first answer counts what it has not sent yet, the second comes when the rest is here.
                emptyAnswers = await CountAsync() == 0 && await CountAsync() == 0 && inbox.Count == 0 ? emptyAnswers + 1 : 0;
                if (emptyAnswers >= EmptyAnswersNeeded || sinceLast.Elapsed > _silence)
                    return;
                continue;
            }
            emptyAnswers = 0;
            sinceLast.Restart();
            while (window.Count < size && inbox.TryRead(out var delivery))
                window.Add(delivery);
        }
    }

    // Null: the broker can't count them now.
    private async Task<long?> CountAsync()
    {
        var acked = Volatile.Read(ref _acked);
        var counts = await channel.CountAsync(queue, CancellationToken.None, tries: 1);
        Proven(acked);
        return counts?.MessageCount;
    }

    // Several tasks ask the broker, so an earlier request may be answered here after a later one.
    private void Proven(long acked)
    {
        var before = ProvenAcks;
        while (before < acked && Interlocked.CompareExchange(ref _provenAcks, acked, before) is var seen && seen != before)
            before = seen;
    }
}
