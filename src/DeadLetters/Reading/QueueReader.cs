namespace WorkinIt.DeadLetters;

/// <summary>Reads queues without changing them: every message returns to its place.</summary>
internal sealed class QueueReader(DeadLetterServices services, QueueAccess access, QueueFinder queues)
{
    private static readonly TimeSpan _briefPatience = TimeSpan.FromSeconds(1); // for a search, which then goes on to the next queue

    /// <summary>Lists a page of dead letters. Every message returns to its place.</summary>
    /// <param name="queue">The queue.</param>
    /// <param name="filter">Which messages.</param>
    /// <param name="skip">How many matching messages to skip.</param>
    /// <param name="take">The page size.</param>
    /// <param name="by">The operator.</param>
    /// <param name="cancellationToken">Cancels the operation.</param>
    /// <param name="most">The maximum number of messages to read, from the head of the queue.</param>
    public async Task<DeadLetterPage> ListAsync(
        string queue, DeadLetterFilter filter, long skip, int take, string by, CancellationToken cancellationToken, long most = long.MaxValue)
    {
        var letters = new List<DeadLetter>();
        long examined = 0, matching = 0;
        // Without a filter, the messages after the page need not be read.
        var (ready, hidden) = await ReadAsync(queue, "list", by, filter.IsEmpty ? Math.Min(most, skip + take) : most, letter =>
        {
            examined++;
            if (filter.Matches(letter) && ++matching > skip && letters.Count < take)
                letters.Add(letter);
            return true;
        }, null, cancellationToken);
        return new DeadLetterPage(letters, ready, examined, filter.IsEmpty ? ready : matching) { Hidden = hidden };
    }

    /// <summary>Groups dead letters by cause.</summary>
    /// <param name="queue">The queue.</param>
    /// <param name="filter">Which messages.</param>
    /// <param name="by">The operator.</param>
    /// <param name="progress">Receives progress reports.</param>
    /// <param name="cancellationToken">Cancels the operation.</param>
    /// <param name="most">The maximum number of messages to read, from the head of the queue.</param>
    public async Task<CausePage> GroupAsync(
        string queue, DeadLetterFilter filter, string by, IProgress<OperationProgress>? progress, CancellationToken cancellationToken, long most = long.MaxValue)
    {
        var groups = new Dictionary<string, CauseTally>();
        long examined = 0;
        var (ready, hidden) = await ReadAsync(queue, "list", by, most, letter =>
        {
            examined++;
            if (!filter.Matches(letter))
                return true;
            if (!groups.TryGetValue(letter.Cause.Id, out var group))
                groups.Add(letter.Cause.Id, group = new CauseTally(letter));
            group.Add(letter);
            return true;
        }, progress, cancellationToken);
        return new CausePage([.. groups.Values.Select(group => group.ToGroup()).OrderByDescending(group => group.Count)], ready, examined) { Hidden = hidden };
    }

    /// <summary>Finds one dead letter by its id or its MessageId; the first in the queue if there are several.</summary>
    /// <param name="queue">The queue.</param>
    /// <param name="id">The dead letter's id, or a MessageId.</param>
    /// <param name="by">The operator.</param>
    /// <param name="cancellationToken">Cancels the operation.</param>
    public Task<DeadLetter?> FindAsync(string queue, string id, string by, CancellationToken cancellationToken) =>
        FindAsync(queue, id, by, QueueAccess.ReadTimeout, cancellationToken);

    private async Task<DeadLetter?> FindAsync(string queue, string id, string by, TimeSpan timeout, CancellationToken cancellationToken)
    {
        DeadLetter? found = null;
        var filter = DeadLetterFilter.ById(id);
        await ReadAsync(queue, "show", by, long.MaxValue, letter =>
        {
            if (filter.Matches(letter))
                found = letter;
            return found is null;
        }, null, cancellationToken, timeout);
        return found;
    }

    /// <summary>Searches all dead-letter queues for messages with an id.</summary>
    /// <param name="id">A MessageId, or a dead letter's id.</param>
    /// <param name="by">The operator.</param>
    /// <param name="cancellationToken">Cancels the operation.</param>
    public async Task<SearchResult> SearchAsync(string id, string by, CancellationToken cancellationToken)
    {
        var (places, passedOver) = (new List<FoundMessage>(), new List<DeadLetterQueue>());
        foreach (var queue in (await queues.FindQueuesAsync(cancellationToken)).Where(queue => queue.Messages > 0))
        {
            if (queue.AccessWarning is not null)
            {
                passedOver.Add(queue);
                continue;
            }
            try
            {
                if (await FindAsync(queue.Name, id, by, _briefPatience, cancellationToken) is { } letter)
                    places.Add(new FoundMessage(letter, queue));
            }
            catch (DeadLetterException e) when (e.Problem == DeadLetterProblem.Locked)
            {
                passedOver.Add(queue with { AccessWarning = e.Message });
            }
        }
        return new SearchResult(places, passedOver);
    }

    /// <summary>Reads the messages of a queue, from its head.</summary>
    /// <param name="queue">The queue.</param>
    /// <param name="verb">The verb, shown to others who find the queue locked.</param>
    /// <param name="by">The operator.</param>
    /// <param name="most">The maximum number of messages.</param>
    /// <param name="see">Gets each message, and returns whether to go on.</param>
    /// <param name="progress">Receives progress reports.</param>
    /// <param name="cancellationToken">Cancels the operation.</param>
    /// <param name="timeout">How long to wait for another operation to end; null: <see cref="QueueAccess.ReadTimeout"/>.</param>
    /// <returns>How many messages are ready in the queue, and how many RabbitMQ's delayed retry hides.</returns>
    public Task<(long Ready, long Hidden)> ReadAsync(
        string queue, string verb, string by, long most, Func<DeadLetter, bool> see, IProgress<OperationProgress>? progress, CancellationToken cancellationToken,
        TimeSpan? timeout = null) =>
        ReadAsync(queue, verb, by, most, letter => ValueTask.FromResult(see(letter)), progress, cancellationToken, timeout);

    /// <inheritdoc cref="ReadAsync(string, string, string, long, Func{DeadLetter, bool}, IProgress{OperationProgress}?, CancellationToken, TimeSpan?)"/>
    public async Task<(long Ready, long Hidden)> ReadAsync(
        string queue, string verb, string by, long most, Func<DeadLetter, ValueTask<bool>> see, IProgress<OperationProgress>? progress, CancellationToken cancellationToken,
        TimeSpan? timeout = null)
    {
        await using var session = await access.OpenAsync(queue, verb, by, timeout ?? QueueAccess.ReadTimeout, cancellationToken);
        var ready = await session.ReadyAsync(cancellationToken);
        await access.GuardAsync(session, passes: 1, cancellationToken);
        var mover = new Mover(session, services.Options, progress) { Total = Math.Min(ready, most) };
        var goesOn = true;
        using var enough = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        try
        {
            await mover.RunAsync(async window =>
            {
                foreach (var letter in window)
                {
                    if (goesOn && !(goesOn = await see(letter)))
                        await enough.CancelAsync();
                }
                return [.. window.Select(_ => Decision.Left)];
            }, null, long.MaxValue, enough.Token);
        }
        catch (OperationCanceledException) when (!goesOn)
        {
            // The caller has what it needs.
        }
        cancellationToken.ThrowIfCancellationRequested();
        return (ready, session.Hidden);
    }

    /// <summary>
    /// Reads a queue from its head to its end, for the catalogue. Does not wait for another operation on the queue, and ends early if one waits.
    /// </summary>
    /// <param name="queue">The queue.</param>
    /// <param name="begin">Called once the queue is locked, before its messages are counted.</param>
    /// <param name="counted">Called once its messages are counted, before the first is taken. Those that arrive later are not read.</param>
    /// <param name="see">Gets the messages in windows, in the queue's order.</param>
    /// <param name="cancellationToken">Cancels the operation.</param>
    public async Task WalkAsync(string queue, Func<Task> begin, Func<Task> counted, Func<IReadOnlyList<DeadLetter>, Task> see, CancellationToken cancellationToken)
    {
        await using var session = await access.OpenAsync(queue, "read into the catalogue", "The catalogue", TimeSpan.Zero, cancellationToken);
        await session.ShowReadingAsync(cancellationToken);
        await begin();
        var ready = await session.ReadyAsync(cancellationToken);
        await counted();
        await access.GuardAsync(session, passes: 1, cancellationToken);
        await new Mover(session, services.Options, progress: null) { Total = ready }.RunAsync(async window =>
        {
            await see(window);
            if (await session.IsWaitedForAsync(cancellationToken))
                throw new DeadLetterException(DeadLetterProblem.Locked, "An operation waits for the queue");
            return [.. window.Select(_ => Decision.Left)];
        }, null, long.MaxValue, cancellationToken);
        cancellationToken.ThrowIfCancellationRequested();
    }
}
