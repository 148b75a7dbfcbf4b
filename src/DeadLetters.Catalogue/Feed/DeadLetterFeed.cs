using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using RabbitMQ.Client;
using RabbitMQ.Client.Exceptions;
using WorkinIt.DeadLetters.Catalogue.Replays;
using WorkinIt.DeadLetters.Catalogue.Store;

namespace WorkinIt.DeadLetters.Catalogue.Feed;

/// <summary>
/// Keeps the catalogue equal to the dead-letter queues of one virtual host. Of several hosts, the one that holds the lock of the feed queue works:
/// the lock is an exclusive queue, so the broker removes it with the host's connection, and another host takes over.
/// </summary>
internal sealed partial class DeadLetterFeed(
    DeadLetterClient client, CatalogueOptions options, CatalogueStore store, TimeProvider time, ILogger<DeadLetterFeed> log) : BackgroundService
{
    private static readonly TimeSpan _pruneEvery = TimeSpan.FromHours(1);
    private static readonly TimeSpan _afterFailure = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan _late = TimeSpan.FromSeconds(30); // some checks have failed, or one takes that long
    private static readonly TimeSpan _stopPatience = TimeSpan.FromSeconds(3);
    private static readonly TimeSpan _leavePatience = TimeSpan.FromSeconds(2);

    private readonly FeedContext _context = new(client, options, store, time, log);
    private string? _problem;
    private bool _isStandby;
    private QueueWatch? _watch;
    private ReportConsumer? _reports;

    /// <summary>Whether the catalogue was compared with the broker, or it is known why it was not.</summary>
    public bool HasLooked => _isStandby || _problem is not null || _watch?.CheckedAt is not null;

    /// <summary>Whether this host feeds the catalogue.</summary>
    public bool IsActive { get; private set; }

    /// <summary>When the catalogue was last compared with the queues; null if it has not been.</summary>
    public DateTimeOffset? CheckedAt => _watch?.CheckedAt;

    /// <summary>Why the catalogue may not be up to date, as a sentence for an operator; null if it is, as far as this host knows.</summary>
    public string? Delay =>
        _isStandby ? options.Database.IsSqlite
            ? "Another host feeds the catalogue of this virtual host. If it uses another database than this one, this one is not kept up to date: let all hosts use one PostgreSQL database"
            : null
        : _watch?.CheckedAt is { } at ? time.GetUtcNow() - at < _late ? null : $"The catalogue was last compared with the broker at {at.UtcDateTime:HH:mm:ss} UTC{(_problem is { } since ? $": {since}" : "")}"
        : _problem is { } why ? $"The catalogue is not kept up to date: {why}"
        : "The catalogue has not been compared with the broker yet";

    /// <summary>Why outcomes are not kept after the end of an operation, and what to do about it; null if they are, as far as this host knows.</summary>
    public string? ReportsProblem => _reports?.Problem;

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                await UntilStoppedAsync(RunAsync(stoppingToken), stoppingToken);
            }
            catch (Exception e) when (!stoppingToken.IsCancellationRequested)
            {
                // Whatever it was, the application that hosts the catalogue goes on, and so does the feed.
                _isStandby = false;
                var problem = e is DeadLetterException ? e.Message : $"{e.GetType().Name}: {e.Message}";
                if (problem != _problem)
                    LogProblem(Named(_problem = problem));
            }
            await Task.Delay(_afterFailure, time, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    // A broker that does not answer would hold up the host's shutdown: no token ends a request that RabbitMQ.Client has sent.
    private async Task UntilStoppedAsync(Task running, CancellationToken stoppingToken)
    {
        await Task.WhenAny(running, Task.Delay(Timeout.InfiniteTimeSpan, time, stoppingToken));
        if (!running.IsCompleted)
            await Task.WhenAny(running, Task.Delay(_stopPatience, time, CancellationToken.None));
        if (!stoppingToken.IsCancellationRequested)
            await running;
    }

    private async Task RunAsync(CancellationToken stoppingToken)
    {
        var connection = await BrokerConnection.OpenAsync(client.Services.Options, "dead letters: feed", stoppingToken);
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(stoppingToken);
        connection.ConnectionShutdownAsync += (_, _) => ending.CancelAsync();
        try
        {
            await new FeedLock(connection, options, time).TakeAsync(Stand, ending.Token);
            IsActive = true;
            (_isStandby, _problem) = (false, null);
            await FeedAsync(connection, ending, stoppingToken);
        }
        catch (OperationCanceledException) when (!stoppingToken.IsCancellationRequested)
        {
            throw new DeadLetterException(DeadLetterProblem.Unreachable, "The connection to the broker was lost");
        }
        finally
        {
            IsActive = false;
            await Task.WhenAny(connection.DisposeAsync().AsTask(), Task.Delay(_afterFailure, CancellationToken.None));
        }
    }

    private async Task FeedAsync(IConnection connection, CancellationTokenSource ending, CancellationToken stoppingToken)
    {
        var intake = new FeedIntake(_context, new QueuePresence(connection));
        var consumer = new FeedConsumer(intake);
        var watch = _watch = new QueueWatch(_context, connection, consumer, intake) { CheckedAt = _watch?.CheckedAt };
        using var consumingEnds = new CancellationTokenSource();
        var consuming = ConsumeAsync(connection, consumer, watch, consumingEnds.Token);
        var reporting = (_reports ??= new ReportConsumer(_context)).RunAsync(connection, ending.Token);
        try
        {
            var pruned = DateTimeOffset.MinValue;
            while (true)
            {
                var next = Task.Delay(options.CheckInterval, time, ending.Token);
                await watch.CheckAsync(ending.Token);
                if (await TidyAsync(intake, consumer, time.GetUtcNow() - pruned >= _pruneEvery, ending.Token))
                    pruned = time.GetUtcNow();
                if (consuming.IsCompleted)
                    break;
                await Task.WhenAny(consuming, next);
                ending.Token.ThrowIfCancellationRequested();
            }
        }
        finally
        {
            await ending.CancelAsync();
            await watch.EndAsync();
            if (stoppingToken.IsCancellationRequested && options.UnbindsAtStop && connection.IsOpen)
                await LeaveAsync(watch);
            await consumingEnds.CancelAsync();
            await consuming.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            await reporting.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
        await consuming;
    }

    private void Stand()
    {
        LogStandby(options.Database.IsSqlite ? "PostgreSQL" : "the same database");
        _isStandby = true;
    }

    private async Task LeaveAsync(QueueWatch watch)
    {
        using var deadline = new CancellationTokenSource(_leavePatience);
        try
        {
            await watch.LeaveAsync(deadline.Token);
        }
        catch (Exception e) when (e is DeadLetterException or RabbitMQClientException or IOException or TimeoutException or OperationCanceledException || FeedIntake.IsOfTheDatabase(e))
        {
            LogConsumer(e.Message); // the feed expires
        }
    }

    // The feed queue may be deleted, and the broker may close the channel: the next check declares the queue again.
    private async Task ConsumeAsync(IConnection connection, FeedConsumer consumer, QueueWatch watch, CancellationToken cancellationToken)
    {
        while (connection.IsOpen)
        {
            try
            {
                if (watch.IsReady)
                    await consumer.RunAsync(connection, cancellationToken);
            }
            catch (Exception e) when (connection.IsOpen && !cancellationToken.IsCancellationRequested)
            {
                LogConsumer(Named(e.Message));
            }
            await Task.Delay(options.CheckInterval < _afterFailure ? options.CheckInterval : _afterFailure, time, cancellationToken);
        }
    }

    // Returns whether the catalogue was pruned.
    private async Task<bool> TidyAsync(FeedIntake intake, FeedConsumer consumer, bool prunes, CancellationToken cancellationToken)
    {
        if (!store.TryBeginTidying())
            return false; // the feed of another source does it
        try
        {
            if (intake.TakeErased())
                await store.Writer.OverwriteAsync(cancellationToken);
            if (prunes)
            {
                await store.Writer.PruneAsync(cancellationToken);
                await store.Replays.PruneAsync(cancellationToken);
            }
            for (var start = time.GetTimestamp(); consumer.Pending == 0 && time.GetElapsedTime(start) < options.CheckInterval && await store.Indexer.IndexAsync(cancellationToken) > 0;)
            {
                // Texts are indexed while no letters arrive.
            }
            return prunes;
        }
        catch (Exception e) when (FeedIntake.IsOfTheDatabase(e))
        {
            return false; // the next check tries again
        }
        finally
        {
            store.EndTidying();
        }
    }

    // In the log of a host with several sources, an operator must see which one it is.
    private string Named(string problem) => client.Services.Options.Source is { } source ? $"{source}: {problem}" : problem;

    [LoggerMessage(Level = LogLevel.Warning, Message = "The catalogue of dead letters is not fed: {Problem}")]
    private partial void LogProblem(string problem);

    [LoggerMessage(Level = LogLevel.Information, Message = "Another host feeds the catalogue of dead letters; this one takes over when it stops. They must share a catalogue in {Database}")]
    private partial void LogStandby(string database);

    [LoggerMessage(Level = LogLevel.Warning, Message = "The queue dead-letters.feed can't be consumed now: {Reason}")]
    private partial void LogConsumer(string reason);
}
