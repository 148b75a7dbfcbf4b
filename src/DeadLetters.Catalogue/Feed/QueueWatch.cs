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
    private readonly FeedTopology _topology = new(connection, context.Log);
    private readonly FormerRoutes _former = new();
    private readonly QueuePresence _presence = new(connection);
    private readonly ILogger _log = context.Log;
    private string? _reported;
    private long _newest;
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
        {
            if (!row.IsMissing)
                _queues[row.Name] = new WatchedQueue(row with { IsWalking = false, Walked = 0, WalkedAt = row.IsWalking ? null : row.WalkedAt }) { Saved = row };
        }
        foreach (var (queue, routes) in await context.Reader.KeptAsync(statements => KeptReading.Routes(statements, context.Source), cancellationToken))
            _former.Load(queue, routes);
        _isRead = true;
    }

    private async Task CheckQueuesAsync(CancellationToken cancellationToken)
    {
        var all = await context.Management.QueuesAsync(cancellationToken);
        var queues = all.Where(queue => !queue.Exclusive && queue.Name != FeedNotice.Queue && context.Broker.Names.Contains(queue.Name)).ToList();
        var names = queues.Select(queue => queue.Name).ToHashSet();
        var (exchanges, bindings) = (await context.Management.ExchangesAsync(cancellationToken), await context.Management.BindingsAsync(cancellationToken));
        var routes = new FeedRoutes(exchanges, bindings, names);
        intake.FormerRoutes = _former.Update(exchanges, bindings, names, context.Broker.Names);
        foreach (var queue in queues.Where(queue => !_queues.ContainsKey(queue.Name)))
            _queues[queue.Name] = new WatchedQueue(new CatalogueQueue { Source = context.Source, Name = queue.Name, InputQueue = context.Client.Services.InputQueueOf(queue.Name) });
        await FeedAsync(all, queues, routes, cancellationToken);
        await CountAsync(queues, routes, cancellationToken);
        await RemoveDeletedAsync(all, names, cancellationToken);
    }

    private async Task FeedAsync(IReadOnlyList<BrokerQueue> all, List<BrokerQueue> queues, FeedRoutes routes, CancellationToken cancellationToken)
    {
        var refused = await _topology.DeclareAsync(all.FirstOrDefault(queue => queue.Name == FeedNotice.Queue), cancellationToken);
        intake.Routes = routes; // before a binding exists, so that its first copy is attributed
        var wanted = queues.ToDictionary(queue => queue.Name, queue => refused is null ? routes.BindingsFor(queue.Name) : []);
        foreach (var watched in queues.Select(queue => _queues[queue.Name]))
        {
            var isNew = wanted[watched.Row.Name].Any(binding => !routes.Existing.Contains(binding));
            if (isNew && watched.Row.WalkedAt is not null && !watched.WasLeftComplete(context.Time.GetUtcNow()))
                await SaveAsync(watched, watched.Row with { WalkedAt = null }, cancellationToken); // letters may have arrived without a copy
            watched.Row = watched.Row with { UnboundAt = null, Routes = _former.Of(watched.Row.Name) };
        }
        var failed = await _topology.BindAsync(routes.Existing, wanted.Values.SelectMany(bindings => bindings), cancellationToken);
        foreach (var watched in queues.Select(queue => _queues[queue.Name]))
        {
            var problem = refused ?? routes.ProblemOf(watched.Row.Name) ?? wanted[watched.Row.Name].Select(binding => failed.GetValueOrDefault(binding)).FirstOrDefault(why => why is not null);
            watched.Row = watched.Row with { IsFed = problem is null, Problem = problem ?? "" };
        }
        IsReady = refused is null;
    }

    // The broker's counts first, then what is on its way, then the catalogue's: a copy that arrives in between makes the feed look busy.
    private async Task CountAsync(List<BrokerQueue> queues, FeedRoutes routes, CancellationToken cancellationToken)
    {
        var newest = await context.Reader.NewestAsync(cancellationToken);
        var counts = await QueueCounts.ReadAsync(connection, [.. queues.Select(queue => queue.Name)], cancellationToken);
        var feed = await QueueCounts.ReadAsync(connection, [FeedNotice.Queue], cancellationToken);
        var isQuiet = feed.GetValueOrDefault(FeedNotice.Queue).Ready == 0 && consumer.Pending == 0;
        var rows = (await context.Reader.QueuesAsync(cancellationToken)).Where(row => row.Source == context.Source).ToDictionary(row => row.Name);
        var requested = rows.Values.Any(row => row.Kept > 0) ? await context.Reader.KeptAsync(statements => KeptReading.Requested(statements, context.Source), cancellationToken) : new HashSet<string>();
        var due = new List<(WatchedQueue Watched, BrokerQueue Queue, long Count)>();
        foreach (var queue in queues)
        {
            var watched = _queues[queue.Name];
            watched.See(rows.GetValueOrDefault(queue.Name), requested.Contains(queue.Name));
            if (!counts.TryGetValue(queue.Name, out var count))
                watched.Row = watched.Row with { Messages = null, Problem = watched.Row.Problem.Length > 0 ? watched.Row.Problem : "RabbitMQ does not report the number of messages: the queue is down, or the RabbitMQ user has no permission on it" };
            else if (_walks.IsDue(watched, queue, count, isQuiet && _wasQuiet))
                due.Add((watched, queue, count.Ready));
            if (!_walks.IsWalking(watched))
                await SaveAsync(watched, watched.Row, cancellationToken);
        }
        await SeeAsync(isQuiet, newest, cancellationToken);
        foreach (var forgotten in isQuiet && _wasQuiet ? _former.Forget(routes.Existing, context.Time.GetUtcNow()).Where(queue => !_queues.ContainsKey(queue)) : [])
            await context.Store.Kept.ForgetRoutesAsync(context.Source, forgotten, cancellationToken);
        _wasQuiet = isQuiet;
        _walks.Start(due.OrderBy(one => one.Count).Select(one => (one.Watched, one.Queue)), SaveAsync, cancellationToken);
    }

    // Where the counts agree and no copy is on its way, the queue has all letters that the catalogue had before the queue was counted.
    private async Task SeeAsync(bool isQuiet, long newest, CancellationToken cancellationToken)
    {
        var agreeing = _queues.Values.Where(watched => !_walks.IsWalking(watched) && watched.Agree(isQuiet, newest)).ToList();
        if (agreeing.Count == 0 && newest == _newest)
            return;
        foreach (var group in agreeing.GroupBy(watched => watched.SeenTo).DefaultIfEmpty())
            await context.Store.Kept.SeeAsync(context.Source, [.. group?.Select(watched => watched.Row.Name) ?? []], group?.Key ?? 0, cancellationToken);
        _newest = newest;
    }

    private async Task RemoveDeletedAsync(IReadOnlyList<BrokerQueue> all, HashSet<string> names, CancellationToken cancellationToken)
    {
        foreach (var name in _queues.Keys.Except(names).ToList())
        {
            if (!all.Any(queue => queue.Name == name) && (await _presence.MissingAsync([name], cancellationToken)).Count == 0)
                continue; // the list of the management API was older
            await context.Writer.RemoveQueueAsync(context.Source, name, cancellationToken);
            _queues.Remove(name);
        }
    }

    /// <summary>The last host stops: removes the bindings, so that a message to a deleted queue is not taken for delivered while no host looks.</summary>
    public async Task LeaveAsync(CancellationToken cancellationToken)
    {
        if (!IsReady || await QueueLock.IsWaitedForAsync(connection, FeedNotice.Queue, cancellationToken))
            return;
        await _topology.UnbindAsync(cancellationToken);
        var now = context.Time.GetUtcNow();
        foreach (var watched in _queues.Values.Where(watched => watched.IsComplete))
            await SaveAsync(watched, watched.Row with { UnboundAt = now }, cancellationToken);
        await consumer.DrainAsync(connection, context.Time, cancellationToken);
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
        if (problem is not null && problem != _reported)
            LogProblem(context.Broker.Source is { } source ? $"{source}: {problem}" : problem);
        _reported = problem;
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "The catalogue of dead letters can't check its queues: {Problem}")]
    private partial void LogProblem(string problem);
}
