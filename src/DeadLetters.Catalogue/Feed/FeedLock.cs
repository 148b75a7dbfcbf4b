using RabbitMQ.Client;

namespace WorkinIt.DeadLetters.Catalogue.Feed;

/// <summary>
/// Of several hosts, the one that holds the lock of the feed queue feeds the catalogue. A host that waits for the lock shows it, so that the other one
/// leaves the feed's bindings to it when it stops.
/// </summary>
internal sealed class FeedLock(IConnection connection, CatalogueOptions options, TimeProvider time)
{
    /// <summary>Takes the lock. Waits as long as another host has it.</summary>
    /// <param name="standBy">Called once, if another host has it.</param>
    /// <param name="cancellationToken">Cancels the wait.</param>
    public async Task TakeAsync(Action standBy, CancellationToken cancellationToken)
    {
        var (isReported, isShown) = (false, false);
        while (true)
        {
            try
            {
                await QueueLock.TakeAsync(
                    connection, FeedNotice.Queue, "feed the catalogue", Environment.MachineName, TimeSpan.Zero, (_, _) => Task.FromResult("Another host feeds the catalogue"), cancellationToken);
                if (isShown)
                    await QueueLock.EndWaitingAsync(connection, FeedNotice.Queue, cancellationToken);
                return;
            }
            catch (DeadLetterException e) when (e.Problem == DeadLetterProblem.Locked)
            {
                if (!isReported)
                    standBy();
                isReported = true;
                isShown = await QueueLock.ShowWaitingAsync(connection, FeedNotice.Queue, cancellationToken); // false if a third host does
                await Task.Delay(options.CheckInterval, time, cancellationToken);
            }
        }
    }
}
