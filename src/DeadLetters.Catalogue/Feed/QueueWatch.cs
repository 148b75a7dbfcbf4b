using System.Data.Common;
using Microsoft.Extensions.Logging;
using RabbitMQ.Client;
using WorkinIt.DeadLetters.Catalogue.Store;

namespace WorkinIt.DeadLetters.Catalogue.Feed;

/// <summary>
/// Finds dead-letter queues, binds the feed to the exchanges that lead to them, and compares the broker's counts with the catalogue's. Where they
/// differ, reads the queue again.
/// </summary>
internal sealed partial class QueueWatch(FeedContext context, IConnection connection, FeedConsumer consumer, FeedIntake intake)
{
    private readonly Dictionary<string, WatchedQueue> _queues = [];
    private readonly QueueWalks _walks = new(context, connection, consumer);
    private readonly FeedBindings _bindings = new(connection);
    private readonly ILogger _log = context.Log;
    private (string? Problem, string? Difference) _reported;
    private bool _isRead;
    private bool _wasQuiet;

    /// <summary>Whether the feed queue exists, and copies can be attributed.</summary>
    public bool IsReady { get; private set; }

    /// <summary>When a check last succeeded; null if none has.</summary>
    public DateTimeOffset? CheckedAt { get; set; }

    /// <summary>Checks once.</summary>
    /// <exception cref="DeadLetterException">The connection to the broker was lost.</exception>
    public async Task CheckAsync(CancellationToken cancellationToken)
    {
        try
        {
            if (!_isRead)
                await ReadAsync(cancellationToken);
            await CheckQueuesAsync(cancellationToken);
            Report(null);
            CheckedAt = context.Time.GetUtcNow();
        }
        catch (DeadLetterException e) when (connection.IsOpen)
        {
            Report(e.Message); // the management API, or a right to the feed queue
            await SaveProblemAsync(e.Message, cancellationToken);
        }
        catch (Exception e) when (FeedIntake.IsOfTheDatabase(e) && connection.IsOpen)
        {
            Report($"the database fails: {e.Message}");
        }
    }

    public Task EndAsync() => _walks.EndAsync();

    // What an earlier host knew. A walk that it did not finish begins again if the counts differ, or if it was the first.
    private async Task ReadAsync(CancellationToken cancellationToken)
    {
        foreach (var row in (await context.Reader.QueuesAsync(cancellationToken)).Where(row => row.Source == context.Source))
            _queues[row.Name] = new WatchedQueue(row with { IsWalking = false, Walked = 0, WalkedAt = row.IsWalking ? null : row.WalkedAt }) { Saved = row };
        _isRead = true;
    }

    private async Task CheckQueuesAsync(CancellationToken cancellationToken)
    {
        var all = await context.Management.QueuesAsync(cancellationToken);
        var queues = all.Where(queue => !queue.Exclusive && queue.Name != FeedNotice.Queue && context.Broker.Names.Contains(queue.Name)).ToList();
        var routes = new FeedRoutes(await context.Management.ExchangesAsync(cancellationToken), await context.Management.BindingsAsync(cancellationToken), queues.Select(queue => queue.Name));
        foreach (var queue in queues.Where(queue => !_queues.ContainsKey(queue.Name)))
            _queues[queue.Name] = new WatchedQueue(new CatalogueQueue { Source = context.Source, Name = queue.Name, InputQueue = context.Client.Services.InputQueueOf(queue.Name) });
        await FeedAsync(all, queues, routes, cancellationToken);
        await CountAsync(queues, cancellationToken);
        await RemoveDeletedAsync(queues, cancellationToken);
    }

    private async Task FeedAsync(IReadOnlyList<BrokerQueue> all, List<BrokerQueue> queues, FeedRoutes routes, CancellationToken cancellationToken)
    {
        var refused = await DeclareAsync(all.FirstOrDefault(queue => queue.Name == FeedNotice.Queue), cancellationToken);
        intake.Routes = routes; // before a binding exists, so that its first copy is attributed
        var wanted = new HashSet<FeedBinding>();
        var failed = new Dictionary<FeedBinding, string?>();
        foreach (var queue in queues)
        {
            var (watched, bindings) = (_queues[queue.Name], refused is null ? routes.BindingsFor(queue.Name) : []);
            if (bindings.Any(binding => !routes.Existing.Contains(binding)) && watched.Row.WalkedAt is not null)
                await SaveAsync(watched, watched.Row with { WalkedAt = null }, cancellationToken); // letters may have arrived without a copy
            foreach (var binding in bindings.Where(binding => !routes.Existing.Contains(binding) && wanted.Add(binding)))
                failed[binding] = await _bindings.BindAsync(binding, cancellationToken);
            wanted.UnionWith(bindings);
            var problem = refused ?? routes.ProblemOf(queue.Name) ?? bindings.Select(binding => failed.GetValueOrDefault(binding)).FirstOrDefault(why => why is not null);
            watched.Row = watched.Row with { IsFed = problem is null, Problem = problem ?? "" };
        }
        foreach (var binding in routes.Existing.Except(wanted))
            await _bindings.UnbindAsync(binding, cancellationToken);
        IsReady = refused is null;
    }

    // Why there can be no feed; null if there is one.
    private async Task<string?> DeclareAsync(BrokerQueue? existing, CancellationToken cancellationToken)
    {
        if (existing is not null && FeedQueue.ProblemOf(existing) is { } problem)
            return problem;
        if ((existing is null ? null : FeedQueue.DifferenceOf(existing)) is { } difference && difference != _reported.Difference)
            LogDifference(_reported.Difference = difference);
        try
        {
            await FeedQueue.DeclareAsync(connection, cancellationToken);
            return null;
        }
        catch (DeadLetterException e) when (connection.IsOpen)
        {
            return e.Message;
        }
    }

    // The broker's counts first, then what is on its way, then the catalogue's: a copy that arrives in between makes the feed look busy.
    private async Task CountAsync(List<BrokerQueue> queues, CancellationToken cancellationToken)
    {
        var counts = await QueueCounts.ReadAsync(connection, [.. queues.Select(queue => queue.Name)], cancellationToken);
        var feed = await QueueCounts.ReadAsync(connection, [FeedNotice.Queue], cancellationToken);
        var isQuiet = feed.GetValueOrDefault(FeedNotice.Queue).Ready == 0 && consumer.Pending == 0;
        var letters = (await context.Reader.QueuesAsync(cancellationToken)).Where(row => row.Source == context.Source).ToDictionary(row => row.Name, row => row.Letters);
        var due = new List<(WatchedQueue Watched, BrokerQueue Queue, long Count)>();
        foreach (var queue in queues)
        {
            var watched = _queues[queue.Name];
            if (!counts.TryGetValue(queue.Name, out var count))
                watched.Row = watched.Row with { Messages = null, Problem = watched.Row.Problem.Length > 0 ? watched.Row.Problem : "RabbitMQ does not report the number of messages: the queue is down, or the RabbitMQ user has no permission on it" };
            else if (IsDue(watched, queue, count, letters.GetValueOrDefault(queue.Name), isQuiet && _wasQuiet))
                due.Add((watched, queue, count.Ready));
            if (!_walks.IsWalking(watched))
                await SaveAsync(watched, watched.Row, cancellationToken);
        }
        _wasQuiet = isQuiet;
        _walks.Start(due.OrderBy(one => one.Count).Select(one => (one.Watched, one.Queue)), SaveAsync, cancellationToken);
    }

    // Whether the queue is to be read now. Says why, if it should be and can't.
    private bool IsDue(WatchedQueue watched, BrokerQueue queue, (long Ready, uint Consumers) count, long letters, bool isQuiet)
    {
        watched.Row = watched.Row with { Messages = count.Ready + queue.HiddenBeside(count.Ready) };
        if (_walks.IsWalking(watched))
            return false;
        if (watched.NeedsWalk && watched.Row.Messages == 0 && letters == 0)
            watched.Row = watched.Row with { WalkedAt = context.Time.GetUtcNow() };
        var differs = watched.Differs(watched.Row.Messages.Value, letters, isQuiet);
        if (!differs && !watched.NeedsWalk)
        {
            watched.WalkProblem = watched.Row.Messages == letters ? "" : watched.WalkProblem;
            return false;
        }
        var barrier = QueueFinder.AccessWarning(queue) is { } warning ? $"It is not read automatically, because reading has a cost. {warning}"
            : count.Consumers > 0 ? "It has a consumer, so it is not read"
            : watched.WalkProblem;
        if (barrier.Length > 0)
            watched.Row = watched.Row with { Problem = watched.Row.Problem.Length > 0 ? $"{watched.Row.Problem}. {barrier}" : barrier };
        return (barrier.Length == 0 || barrier == watched.WalkProblem) && context.Time.GetUtcNow() >= watched.NotBefore && (queue.Unacknowledged == 0 || watched.NeedsWalk);
    }

    private async Task RemoveDeletedAsync(List<BrokerQueue> queues, CancellationToken cancellationToken)
    {
        foreach (var name in _queues.Keys.Except(queues.Select(queue => queue.Name)).ToList())
        {
            await context.Writer.RemoveQueueAsync(context.Source, name, cancellationToken);
            _queues.Remove(name);
        }
    }

    private async Task SaveAsync(WatchedQueue watched, CatalogueQueue row, CancellationToken cancellationToken)
    {
        watched.Row = row;
        if (watched.Saved is { } saved && saved with { Letters = row.Letters } == row)
            return;
        await context.Writer.SaveQueueAsync(row, cancellationToken);
        watched.Saved = row;
    }

    private async Task SaveProblemAsync(string problem, CancellationToken cancellationToken)
    {
        try
        {
            foreach (var watched in _queues.Values.Where(watched => !_walks.IsWalking(watched)))
                await SaveAsync(watched, watched.Row with { IsFed = false, Problem = problem }, cancellationToken);
        }
        catch (DbException e)
        {
            Report($"the database fails: {e.Message}");
        }
    }

    private void Report(string? problem)
    {
        if (problem is not null && problem != _reported.Problem)
            LogProblem(context.Broker.Source is { } source ? $"{source}: {problem}" : problem);
        _reported.Problem = problem;
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "The catalogue of dead letters can't check its queues: {Problem}")]
    private partial void LogProblem(string problem);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Queue dead-letters.feed has different arguments and is used as it is: {Difference}")]
    private partial void LogDifference(string difference);
}
