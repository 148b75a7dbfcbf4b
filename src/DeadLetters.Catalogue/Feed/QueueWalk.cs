using System.Globalization;
using RabbitMQ.Client;

namespace WorkinIt.DeadLetters.Catalogue.Feed;

/// <summary>
/// Reads one queue from its head to its end and compares it with the catalogue. Copies of the letters that it will read are in the catalogue before
/// it begins to read, so none is added twice.
/// </summary>
/// <param name="context">The catalogue.</param>
/// <param name="connection">The feed's connection.</param>
/// <param name="consumer">The feed's consumer.</param>
internal sealed class QueueWalk(FeedContext context, IConnection connection, FeedConsumer consumer)
{
    private const int DefaultDeliveryLimit = 20; // of RabbitMQ 4.x, for quorum queues that set none
    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan _pause = TimeSpan.FromMilliseconds(20);

    /// <summary>Reads the queue.</summary>
    /// <param name="queue">The queue.</param>
    /// <param name="isFed">Whether copies of its letters come to the feed.</param>
    /// <param name="progress">Called with the number of letters read so far.</param>
    /// <param name="cancellationToken">Cancels the operation. What it has added stays.</param>
    /// <exception cref="DeadLetterException">Another operation runs on the queue, or it can't be read.</exception>
    public async Task RunAsync(BrokerQueue queue, bool isFed, Func<long, Task> progress, CancellationToken cancellationToken)
    {
        var (walk, walked) = (0L, 0L);
        await context.Client.Reader.WalkAsync(
            queue.Name,
            async () => walk = await context.Writer.BeginWalkAsync(context.Source, queue.Name, cancellationToken),
            () => isFed ? DrainAsync(cancellationToken) : Task.CompletedTask,
            async letters =>
            {
                GuardReturns(queue, letters);
                await context.Writer.AddWalkedAsync(context.Source, queue.Name, walk, letters, cancellationToken);
                await progress(walked += letters.Count);
            },
            cancellationToken);
        await context.Writer.EndWalkAsync(context.Source, queue.Name, walk, cancellationToken);
    }

    // A walk that is killed returns its messages as lost, which counts toward the limit of a quorum queue. So half of the limit is left to others.
    private void GuardReturns(BrokerQueue queue, IReadOnlyList<DeadLetter> letters)
    {
        if (queue.Type == "quorum" && (queue.DeliveryLimitOn(connection.BrokerVersion()) ?? (connection.BrokerVersion().Major >= 4 ? DefaultDeliveryLimit : null)) is >= 0 and var limit
            && letters.Any(letter => letter.DeliveryCount * 2 > limit))
            throw new DeadLetterException(DeadLetterProblem.Refused, string.Create(CultureInfo.InvariantCulture, $"{queue.Name} has messages that were returned more than {limit / 2} times, and RabbitMQ drops them after {limit}. {queue.MoreReturnsAdviceOn(connection.BrokerVersion())}"));
    }

    // Waits until the copies of all letters that were in the queue when it was counted are in the catalogue.
    private async Task DrainAsync(CancellationToken cancellationToken)
    {
        long? target = null;
        for (var start = context.Time.GetTimestamp(); context.Time.GetElapsedTime(start) < _patience;)
        {
            var ready = (await QueueCounts.ReadAsync(connection, [FeedNotice.Queue], cancellationToken)).TryGetValue(FeedNotice.Queue, out var counts) ? counts.Ready : 0;
            target ??= ready + consumer.Pending + consumer.Settled;
            if (consumer.Settled >= target || (ready == 0 && consumer.Pending == 0))
                return;
            await Task.Delay(_pause, context.Time, cancellationToken);
        }
        throw new DeadLetterException(DeadLetterProblem.Locked, $"The copies in {FeedNotice.Queue} take too long");
    }
}
