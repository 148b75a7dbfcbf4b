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
    private static readonly TimeSpan _silence = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan _returnPatience = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan _returnPause = TimeSpan.FromMilliseconds(5);
    private static readonly BasicProperties _none = new();

    private readonly List<TakenWindow> _windows = [];
    private int _consumers;
    private volatile bool _lastHadComeBack;

    /// <summary>Whether something may be held, and can be returned.</summary>
    public bool HoldsSome => channel.IsOpen && _windows.Count > 0;

    /// <summary>Whether the last that came had been taken before.</summary>
    public bool LastHadComeBack => _lastHadComeBack;

    /// <summary>Takes the next ones.</summary>
    /// <param name="size">At most so many; fewer where the queue holds no more.</param>
    /// <param name="tagsOnly">They are in the way, and come back unread: nothing of them is kept but their tags.</param>
    /// <exception cref="DeadLetterException">The broker closed the channel.</exception>
    public async Task<IReadOnlyList<Delivery>> TakeAsync(int size, bool tagsOnly = false)
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
        await channel.BasicQosAsync(0, (ushort)size, global: false, CancellationToken.None);
        await channel.BasicConsumeAsync(queue, autoAck: false, tag, noLocal: false, exclusive: false, arguments: null, consumer, CancellationToken.None);

        var window = new List<Delivery>(size);
        try
        {
            // To its end, even when nobody wants it any more: what is on its way when its consumer is cancelled, a quorum queue
            // takes back at once, before that which was taken first.
            await FillAsync(window, size, inbox.Reader);
        }
        finally
        {
            if (channel.IsOpen) // before anything is given back: else it would come here again
                await channel.BasicCancelAsync(tag, cancellationToken: CancellationToken.None);
        }
        if (!channel.IsOpen)
            throw new DeadLetterException(DeadLetterProblem.OutOfReach, $"The broker closed the channel ({channel.CloseReason?.ReplyText}). All messages that were not moved stand in the queue");
        while (inbox.Reader.TryRead(out var delivery))
            window.Add(delivery);
        return window;

        Task EndAsync()
        {
            inbox.Writer.TryComplete();
            return Task.CompletedTask;
        }
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

    private async Task FillAsync(List<Delivery> window, int size, ChannelReader<Delivery> inbox)
    {
        var quiet = TimeSpan.Zero;
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
                // Fewer than were counted: some expired, or somebody took them.
                quiet += _pause;
                if (await ready() == 0 || quiet > _silence)
                    return;
                continue;
            }
            quiet = TimeSpan.Zero;
            while (window.Count < size && inbox.TryRead(out var delivery))
                window.Add(delivery);
        }
    }
}
