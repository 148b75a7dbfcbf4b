using Microsoft.Extensions.Logging;
using RabbitMQ.Client;
using RabbitMQ.Client.Exceptions;
using WorkinIt.DeadLetters.Catalogue.Store;

namespace WorkinIt.DeadLetters.Catalogue.Feed;

/// <summary>Reads queues in the background, one after the other, and saves the progress.</summary>
internal sealed partial class QueueWalks(FeedContext context, IConnection connection, FeedConsumer consumer)
{
    private static readonly TimeSpan _reportEvery = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan _whenLocked = TimeSpan.FromSeconds(1); // so that an operation that waits takes the lock
    private static readonly TimeSpan _afterRefusal = TimeSpan.FromMinutes(1); // an attempt may have a cost

    private Task _running = Task.CompletedTask;
    private volatile WatchedQueue? _current;

    /// <summary>Whether a queue is being read now.</summary>
    public bool IsWalking(WatchedQueue watched) => _current == watched;

    /// <summary>Reads queues, unless some are being read already.</summary>
    /// <param name="due">The queues.</param>
    /// <param name="save">Saves a queue's row.</param>
    /// <param name="cancellationToken">Cancels the operation.</param>
    public void Start(IEnumerable<(WatchedQueue Watched, BrokerQueue Queue)> due, Func<WatchedQueue, CatalogueQueue, CancellationToken, Task> save, CancellationToken cancellationToken)
    {
        var list = due.ToList();
        if (_running.IsCompleted && list.Count > 0)
            _running = Task.Run(() => WalkAllAsync(list, save, cancellationToken), CancellationToken.None);
    }

    /// <summary>Whether the queue is to be read now. Says why, if it should be and can't.</summary>
    /// <param name="watched">The queue.</param>
    /// <param name="queue">The queue as the broker describes it.</param>
    /// <param name="count">Its current counts.</param>
    /// <param name="isQuiet">Whether no copy was on its way in between.</param>
    public bool IsDue(WatchedQueue watched, BrokerQueue queue, (long Ready, uint Consumers) count, bool isQuiet)
    {
        watched.Row = watched.Row with { Messages = count.Ready + queue.HiddenBeside(count.Ready) };
        if (IsWalking(watched))
            return false;
        var (letters, hasKept) = (watched.Letters, watched.Kept > 0);
        if (watched.NeedsWalk && watched.Row.Messages == 0 && letters == 0 && !hasKept)
            watched.Row = watched.Row with { WalkedAt = context.Time.GetUtcNow() };
        var differs = watched.Differs(watched.Row.Messages.Value, letters, isQuiet);
        if (!differs && !watched.NeedsWalk && !hasKept)
        {
            watched.WalkProblem = watched.Row.Messages == letters ? "" : watched.WalkProblem;
            return false;
        }
        var isFree = hasKept && (count.Ready == 0 || watched.IsRequested);
        var barrier = !isFree && QueueFinder.AccessWarning(queue) is { } warning ? $"It is not read automatically, because reading has a cost. {warning}"
            : count.Consumers > 0 ? "It has a consumer, so it is not read"
            : watched.WalkProblem;
        if (barrier.Length > 0)
            watched.Row = watched.Row with { Problem = watched.Row.Problem.Length > 0 ? $"{watched.Row.Problem}. {barrier}" : barrier };
        return (barrier.Length == 0 || barrier == watched.WalkProblem) && context.Time.GetUtcNow() >= watched.NotBefore && (queue.Unacknowledged == 0 || watched.NeedsWalk || hasKept);
    }

    /// <summary>Waits until the running walk has ended.</summary>
    public Task EndAsync() => _running;

    private async Task WalkAllAsync(List<(WatchedQueue Watched, BrokerQueue Queue)> due, Func<WatchedQueue, CatalogueQueue, CancellationToken, Task> save, CancellationToken cancellationToken)
    {
        foreach (var (watched, queue) in due)
        {
            if (cancellationToken.IsCancellationRequested || !connection.IsOpen)
                return;
            try
            {
                _current = watched;
                await WalkAsync(watched, queue, save, cancellationToken);
            }
            catch (Exception e) when (e is not OperationCanceledException || !cancellationToken.IsCancellationRequested)
            {
                // Whatever it was, the feed goes on, and the next check tries again.
                Failed(watched, e);
            }
            catch (OperationCanceledException)
            {
                return;
            }
            finally
            {
                watched.Forget();
                _current = null;
            }
        }
    }

    private async Task WalkAsync(WatchedQueue watched, BrokerQueue queue, Func<WatchedQueue, CatalogueQueue, CancellationToken, Task> save, CancellationToken cancellationToken)
    {
        var reported = context.Time.GetTimestamp();
        try
        {
            await new QueueWalk(context, connection, consumer).RunAsync(queue, watched.Row.IsFed, async walked =>
            {
                if (watched.Row.IsWalking && context.Time.GetElapsedTime(reported) < _reportEvery)
                    return;
                reported = context.Time.GetTimestamp();
                await save(watched, watched.Row with { IsWalking = true, Walked = walked }, cancellationToken);
            }, cancellationToken);
            watched.Row = watched.Row with { WalkedAt = context.Time.GetUtcNow() };
            watched.WalkProblem = await new PutBack(context).RunAsync(queue.Name, cancellationToken) ?? "";
            if (watched.WalkProblem.Length > 0)
                watched.NotBefore = context.Time.GetUtcNow() + _afterRefusal;
        }
        finally
        {
            watched.Row = watched.Row with { IsWalking = false, Walked = 0 };
        }
        await save(watched, watched.Row, cancellationToken);
    }

    private void Failed(WatchedQueue watched, Exception e)
    {
        LogEnded(watched.Row.Name, e.Message);
        if (e is DeadLetterException { Problem: DeadLetterProblem.Refused or DeadLetterProblem.Forbidden } refused)
        {
            watched.WalkProblem = refused.Message;
            watched.NotBefore = context.Time.GetUtcNow() + _afterRefusal;
        }
        else if (e is DeadLetterException { Problem: DeadLetterProblem.Locked })
            watched.NotBefore = context.Time.GetUtcNow() + _whenLocked;
        else if (e is not (DeadLetterException or RabbitMQClientException or IOException or TimeoutException or System.Data.Common.DbException))
        {
            watched.NotBefore = context.Time.GetUtcNow() + _afterRefusal;
            LogFailed(watched.Row.Name, e.GetType().Name);
        }
    }

    [LoggerMessage(Level = LogLevel.Error, Message = "Queue {Queue} can't be read into the catalogue ({Error})")]
    private partial void LogFailed(string queue, string error);

    [LoggerMessage(Level = LogLevel.Debug, Message = "Reading queue {Queue} into the catalogue ended early: {Reason}")]
    private partial void LogEnded(string queue, string reason);

    private readonly ILogger _log = context.Log;
}
