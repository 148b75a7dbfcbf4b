using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Threading.Channels;
using RabbitMQ.Client;
using RabbitMQ.Client.Events;

namespace WorkinIt.DeadLetters;

/// <summary>A message as the broker brought it, or, of one that was passed over, its tag alone.</summary>
internal readonly record struct Delivery(TakenWindow Window, ulong Tag, BasicProperties Properties, byte[] Body);

/// <summary>What one consumer brought.</summary>
internal sealed class TakenWindow
{
    /// <summary>The tags that are neither acked nor given back.</summary>
    public ConcurrentDictionary<ulong, byte> Held { get; } = new();
}

/// <summary>
/// Takes messages from a queue's head in windows, each by a consumer of its own whose prefetch is the window: so the broker sends no
/// more, whatever is held already. Returns them window by window, in the order in which they were taken.
/// </summary>
/// <param name="channel">For this alone; its connection ends it.</param>
/// <param name="queue">The queue.</param>
/// <param name="ready">Counts what is ready in it.</param>
internal sealed class QueueWindows(IChannel channel, string queue, Func<Task<long>> ready)
{
    private static readonly TimeSpan _pause = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan _silence = TimeSpan.FromSeconds(10); // of one consumer; the next one asks again
    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan _returnPatience = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan _returnPause = TimeSpan.FromMilliseconds(5);
    private static readonly BasicProperties _none = new();

    // In a cluster another node than the one that counts may send: what it has not sent yet comes back when its consumer ends, and is counted then.
    private const int AnswersThatSettle = 3;

    private readonly List<TakenWindow> _windows = [];
    private int _consumers;
    private volatile bool _lastHadComeBack;

    /// <summary>Whether something may be held, and can be returned.</summary>
    public bool HoldsSome => channel.IsOpen && _windows.Count > 0;

    /// <summary>Whether the last that came had been taken before.</summary>
    public bool LastHadComeBack => _lastHadComeBack;

    /// <summary>Takes the next ones.</summary>
    /// <param name="size">At most so many; fewer only where the queue holds no more.</param>
    /// <param name="tagsOnly">They are in the way, and come back unread: nothing of them is kept but their tags.</param>
    /// <exception cref="DeadLetterException">The broker closed the channel, or counts messages that it does not deliver.</exception>
    public async Task<IReadOnlyList<Delivery>> TakeAsync(int size, bool tagsOnly = false)
    {
        var window = new List<Delivery>(size);
        var sinceLast = Stopwatch.StartNew();
        while (true)
        {
            var before = window.Count;
            await ConsumeAsync(window, size, tagsOnly);
            // What a cancelled consumer missed is ready again by now. So the count decides, not the time that it took.
            if (window.Count >= size || await CountAsync() is not (> 0 and var undelivered))
                return window;
            if (window.Count > before)
                sinceLast.Restart();
            else if (sinceLast.Elapsed > _patience)
                throw new DeadLetterException(DeadLetterProblem.OutOfReach, $"RabbitMQ counts {undelivered} more messages in {queue} and has delivered none of them for {_patience.TotalSeconds:0} s. Nothing was moved that is not reported: try again when it is less busy");
        }
    }

    // Adds to the window what one consumer brings.
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
            inbox.Writer.TryWrite(tagsOnly
                ? new Delivery(taken, delivery.DeliveryTag, _none, [])
                : new Delivery(taken, delivery.DeliveryTag, EmptyFields.Restore(delivery.BasicProperties), delivery.Body.ToArray()));
            return Task.CompletedTask;
        };
        consumer.UnregisteredAsync += (_, _) => EndAsync();
        consumer.ShutdownAsync += (_, _) => EndAsync();
        try
        {
            await channel.BasicQosAsync(0, (ushort)(size - window.Count), global: false, CancellationToken.None);
            await channel.BasicConsumeAsync(queue, autoAck: false, tag, noLocal: false, exclusive: false, arguments: null, consumer, CancellationToken.None);
            // To its end, even when nobody wants it any more: what is on its way when its consumer is cancelled, a quorum queue
            // takes back at once, before that which was taken first.
            await FillAsync(window, size, inbox.Reader);
        }
        finally
        {
            if (channel.IsOpen) // before anything is given back: else it would come here again
                await channel.BasicCancelAsync(tag, cancellationToken: CancellationToken.None);
        }
        EnsureHolds();
        // The consumer hears of its end after all that came for it.
        await foreach (var delivery in inbox.Reader.ReadAllAsync())
            window.Add(delivery);

        Task EndAsync()
        {
            inbox.Writer.TryComplete();
            return Task.CompletedTask;
        }
    }

    /// <summary>Checks that the channel is open: when it closes, the broker returns all that it holds to the queue.</summary>
    public void EnsureHolds()
    {
        if (!channel.IsOpen)
            throw BrokerConnection.Closed(channel.CloseReason);
    }

    /// <summary>Acks one.</summary>
    public async Task AckAsync(TakenWindow window, ulong tag, CancellationToken cancellationToken)
    {
        await channel.BasicAckAsync(tag, multiple: false, cancellationToken);
        window.Held.TryRemove(tag, out _);
    }

    /// <summary>Returns all that is held.</summary>
    /// <param name="oneByOne">
    /// A channel that is busy with acks sends a quorum queue's returns of several consumers in the reverse order: so each window is returned,
    /// and seen to have arrived, before the next. The last one too, for such a queue counts it later than it answers for it.
    /// </param>
    public async Task ReturnAsync(bool oneByOne)
    {
        if (oneByOne && _windows.Any(window => !window.Held.IsEmpty))
        {
            var expected = await ready();
            foreach (var window in _windows.Where(window => !window.Held.IsEmpty))
            {
                // Up to the last that is still held: of one that was acked the broker knows nothing, and closes the channel.
                await channel.BasicNackAsync(window.Held.Keys.Max(), multiple: true, requeue: true);
                expected += window.Held.Count;
                for (var clock = Stopwatch.StartNew(); clock.Elapsed < _returnPatience && await ready() < expected;)
                    await Task.Delay(_returnPause);
            }
        }
        await channel.BasicNackAsync(0, multiple: true, requeue: true); // 0: all, those too that were on their way when their consumer was cancelled
        _windows.Clear();
        await channel.QueueDeclarePassiveAsync(queue); // answered when the broker has done it
    }

    // Until all have come that were asked for, or there is no other on its way.
    private async Task FillAsync(List<Delivery> window, int size, ChannelReader<Delivery> inbox)
    {
        var nothingOnItsWay = 0;
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
                // Fewer than were counted: some expired, somebody took them, or they are slow. On this channel the broker answers after all that
                // it has sent before: the first answer counts what it has not sent yet, the second comes when the rest is here.
                nothingOnItsWay = await CountAsync() == 0 && await CountAsync() == 0 && inbox.Count == 0 ? nothingOnItsWay + 1 : 0;
                if (nothingOnItsWay >= AnswersThatSettle || sinceLast.Elapsed > _silence)
                    return;
                continue;
            }
            nothingOnItsWay = 0;
            sinceLast.Restart();
            while (window.Count < size && inbox.TryRead(out var delivery))
                window.Add(delivery);
        }
    }

    private async Task<long> CountAsync() => (await channel.QueueDeclarePassiveAsync(queue)).MessageCount;
}
