using System.Threading.Channels;
using RabbitMQ.Client;
using RabbitMQ.Client.Events;

namespace WorkinIt.DeadLetters.Catalogue.Feed;

/// <summary>
/// Consumes the feed queue in batches. A batch is acked when it is in the catalogue. The prefetch follows the size of the messages, so that the
/// messages of one prefetch take a few megabytes.
/// </summary>
internal sealed class FeedConsumer(FeedIntake intake)
{
    private const int LargestBatch = 500;
    private const long BatchBytes = 8 * 1024 * 1024;
    private const long PrefetchBytes = 16 * 1024 * 1024;
    private const ushort FirstPrefetch = 50;
    private const ushort LeastPrefetch = 2;
    private const ushort MostPrefetch = 1000;
    private static readonly TimeSpan _drainPause = TimeSpan.FromMilliseconds(20);
    private static readonly TimeSpan _linger = TimeSpan.FromMilliseconds(100);

    private long _received;
    private long _settled;

    /// <summary>How many messages were received and are not in the catalogue yet.</summary>
    public long Pending => Volatile.Read(ref _received) - Settled;

    /// <summary>How many messages are in the catalogue, or were skipped, since this host started.</summary>
    public long Settled => Volatile.Read(ref _settled);

    /// <summary>Whether it is consuming now.</summary>
    public bool IsRunning { get; private set; }

    /// <summary>Consumes until the channel is closed or the queue is deleted.</summary>
    /// <param name="connection">The feed's connection.</param>
    /// <param name="cancellationToken">Ends it; messages that are not acked return to the queue.</param>
    public async Task RunAsync(IConnection connection, CancellationToken cancellationToken)
    {
        await using var channel = await connection.CreateChannelAsync(cancellationToken: cancellationToken);
        var prefetch = FirstPrefetch;
        try
        {
            while (channel.IsOpen)
            {
                IsRunning = true;
                prefetch = await ConsumeAsync(channel, prefetch, cancellationToken);
            }
        }
        finally
        {
            IsRunning = false;
            Volatile.Write(ref _received, Settled); // the broker takes the rest back
        }
    }

    /// <summary>Waits until the feed queue is empty and all its messages are in the catalogue.</summary>
    public async Task DrainAsync(IConnection connection, TimeProvider time, CancellationToken cancellationToken)
    {
        while (Pending > 0 || (await QueueCounts.ReadAsync(connection, [FeedNotice.Queue], cancellationToken)).GetValueOrDefault(FeedNotice.Queue).Ready > 0)
            await Task.Delay(_drainPause, time, cancellationToken);
    }

    // Returns the prefetch to go on with.
    private async Task<ushort> ConsumeAsync(IChannel channel, ushort prefetch, CancellationToken cancellationToken)
    {
        var inbox = Channel.CreateUnbounded<FeedCopy>(new UnboundedChannelOptions { SingleReader = true });
        var consumer = new AsyncEventingBasicConsumer(channel);
        consumer.ReceivedAsync += (_, delivery) =>
        {
            Interlocked.Increment(ref _received);
            inbox.Writer.TryWrite(FeedCopy.Of(delivery));
            return Task.CompletedTask;
        };
        consumer.UnregisteredAsync += (_, _) => EndAsync();
        consumer.ShutdownAsync += (_, _) => EndAsync();
        await channel.BasicQosAsync(0, prefetch, global: false, cancellationToken);
        var tag = await channel.BasicConsumeAsync(FeedNotice.Queue, autoAck: false, consumer, cancellationToken);
        var next = prefetch;
        while (await inbox.Reader.WaitToReadAsync(cancellationToken))
        {
            var batch = await BatchAsync(inbox.Reader, cancellationToken);
            await intake.TakeAsync(batch, cancellationToken);
            await channel.BasicAckAsync(batch[^1].Tag, multiple: true, cancellationToken);
            Interlocked.Add(ref _settled, batch.Count);
            if (next != prefetch || (next = Next(prefetch, batch)) == prefetch)
                continue;
            await channel.BasicCancelAsync(tag, cancellationToken: cancellationToken); // then the inbox ends after its last message
        }
        return next;

        Task EndAsync()
        {
            inbox.Writer.TryComplete();
            return Task.CompletedTask;
        }
    }

    private static ushort Next(ushort prefetch, List<FeedCopy> batch)
    {
        var fits = Math.Clamp(PrefetchBytes / batch.Max(copy => copy.Bytes), LeastPrefetch, MostPrefetch);
        return fits < prefetch || (fits >= prefetch * 2 && batch.Count * 2 >= prefetch) ? (ushort)Math.Min(fits, prefetch * 4) : prefetch;
    }

    private static async Task<List<FeedCopy>> BatchAsync(ChannelReader<FeedCopy> inbox, CancellationToken cancellationToken)
    {
        var (batch, bytes) = (new List<FeedCopy>(), 0L);
        using var linger = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        linger.CancelAfter(_linger);
        try
        {
            do
            {
                while (batch.Count < LargestBatch && bytes < BatchBytes && inbox.TryRead(out var copy))
                {
                    batch.Add(copy);
                    bytes += copy.Bytes;
                }
            }
            while (batch.Count < LargestBatch && bytes < BatchBytes && await inbox.WaitToReadAsync(linger.Token));
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            // No more for now.
        }
        return batch;
    }
}
