using System.Text.Json;

namespace WorkinIt.DeadLetters;

/// <content>What only looks: all are given back to their places.</content>
public sealed partial class DeadLetterClient
{
    private const int DefaultDeliveryLimit = 20; // RabbitMQ 4.x, quorum queues that name none
    private static readonly TimeSpan _oldestFigures = TimeSpan.FromSeconds(10); // a quorum queue reports every 5 s, and the API collects every 5 s
    private static readonly TimeSpan _betweenFigures = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan _briefPatience = TimeSpan.FromSeconds(1); // for who only passes by, on the way to the next queue

    /// <summary>Shows a page of dead letters. All are given back to their places.</summary>
    /// <param name="queue">The queue.</param>
    /// <param name="filter">Which of them.</param>
    /// <param name="skip">So many of these are passed over.</param>
    /// <param name="take">The page's length.</param>
    /// <param name="by">The person.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <param name="most">Looks at so many from the head.</param>
    public async Task<DeadLetterPage> ListAsync(
        string queue, DeadLetterFilter filter, long skip, int take, string by, CancellationToken cancellationToken, long most = long.MaxValue)
    {
        var letters = new List<DeadLetter>();
        long examined = 0, matching = 0;
        // Without a filter, what comes after the page need not be looked at.
        var (ready, hidden) = await LookAsync(queue, "list", by, filter.IsEmpty ? Math.Min(most, skip + take) : most, letter =>
        {
            examined++;
            if (filter.Matches(letter) && ++matching > skip && letters.Count < take)
                letters.Add(letter);
            return true;
        }, null, cancellationToken);
        return new DeadLetterPage(letters, ready, examined, filter.IsEmpty ? ready : matching) { Hidden = hidden };
    }

    /// <summary>Groups dead letters by their cause.</summary>
    /// <param name="queue">The queue.</param>
    /// <param name="filter">Which of them.</param>
    /// <param name="by">The person.</param>
    /// <param name="progress">Hears how far it is.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <param name="most">Looks at so many from the head.</param>
    public async Task<CausePage> GroupAsync(
        string queue, DeadLetterFilter filter, string by, IProgress<OperationProgress>? progress, CancellationToken cancellationToken, long most = long.MaxValue)
    {
        var groups = new Dictionary<string, CauseTally>();
        long examined = 0;
        var (ready, hidden) = await LookAsync(queue, "list", by, most, letter =>
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

    /// <summary>Finds one dead letter by its id or its MessageId; the first in the queue where several have it.</summary>
    /// <param name="queue">The queue.</param>
    /// <param name="id">The id.</param>
    /// <param name="by">The person.</param>
    /// <param name="cancellationToken">Ends it.</param>
    public Task<DeadLetter?> FindAsync(string queue, string id, string by, CancellationToken cancellationToken) =>
        FindAsync(queue, id, by, _lookPatience, cancellationToken);

    private async Task<DeadLetter?> FindAsync(string queue, string id, string by, TimeSpan patience, CancellationToken cancellationToken)
    {
        DeadLetter? found = null;
        var filter = DeadLetterFilter.ById(id);
        await LookAsync(queue, "show", by, long.MaxValue, letter =>
        {
            if (filter.Matches(letter))
                found = letter;
            return found is null;
        }, null, cancellationToken, patience);
        return found;
    }

    /// <summary>Finds where messages with an id stand, in all dead-letter queues.</summary>
    /// <param name="id">A MessageId, or a dead letter's id.</param>
    /// <param name="by">The person.</param>
    /// <param name="cancellationToken">Ends it.</param>
    public async Task<SearchResult> SearchAsync(string id, string by, CancellationToken cancellationToken)
    {
        var (places, passedOver) = (new List<FoundMessage>(), new List<DeadLetterQueue>());
        foreach (var queue in (await FindQueuesAsync(cancellationToken)).Where(queue => queue.Messages > 0))
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

    /// <summary>Tells what the application knows of a message, wherever it is; null where it knows nothing.</summary>
    /// <param name="messageId">Its id.</param>
    /// <param name="cancellationToken">Ends it.</param>
    public Task<string?> DescribeAsync(string messageId, CancellationToken cancellationToken) =>
        _advisor?.DescribeAsync(messageId, cancellationToken) ?? Task.FromResult<string?>(null);

    /// <summary>Writes dead letters as JSON Lines, one object a line, complete and unmasked; written to the audit log.</summary>
    /// <param name="request">Which ones.</param>
    /// <param name="output">Where to.</param>
    /// <param name="progress">Hears how far it is.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <returns>How many.</returns>
    public async Task<long> ExportAsync(OperationRequest request, Stream output, IProgress<OperationProgress>? progress, CancellationToken cancellationToken)
    {
        long count = 0;
        var entry = Begin(request, "export");
        await _audit.WriteAsync(entry, cancellationToken);
        var problem = "";
        try
        {
            await LookAsync(request.Queue, "export", request.By, long.MaxValue, letter =>
            {
                if (!request.Filter.Matches(letter))
                    return true;
                using (var writer = new Utf8JsonWriter(output))
                    letter.Write(writer);
                output.WriteByte((byte)'\n');
                count++;
                return true;
            }, progress, cancellationToken);
            await output.FlushAsync(cancellationToken);
        }
        catch (Exception e)
        {
            problem = Why(e);
            throw;
        }
        finally
        {
            await _audit.WriteAsync(entry with { EndedAt = _time.GetUtcNow(), Selected = count, Done = count, Problem = problem }, CancellationToken.None);
        }
        return count;
    }

    /// <summary>Writes down that a person has looked at what is masked.</summary>
    /// <param name="letter">The message.</param>
    /// <param name="by">The person.</param>
    /// <param name="cancellationToken">Ends it.</param>
    public Task RevealedAsync(DeadLetter letter, string by, CancellationToken cancellationToken)
    {
        var entry = Begin(new OperationRequest { Queue = letter.Queue, Filter = DeadLetterFilter.ById(letter.Id), By = by }, "reveal");
        return _audit.WriteAsync(entry with { EndedAt = entry.At, Selected = 1, Done = 1, Messages = [letter.MessageId ?? letter.Id] }, cancellationToken);
    }

    private async Task<(long Ready, long Hidden)> LookAsync(
        string queue, string verb, string by, long most, Func<DeadLetter, bool> see, IProgress<OperationProgress>? progress, CancellationToken cancellationToken,
        TimeSpan? patience = null)
    {
        await using var session = await OpenAsync(queue, verb, by, patience ?? _lookPatience, cancellationToken);
        var ready = await session.ReadyAsync(cancellationToken);
        await GuardAccessAsync(session, passes: 1, cancellationToken);
        var operation = new Operation(session, _options, progress) { Total = Math.Min(ready, most) };
        var goesOn = true;
        using var enough = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        try
        {
            await operation.RunAsync(async window =>
            {
                foreach (var letter in window)
                {
                    if (goesOn && !(goesOn = see(letter)))
                        await enough.CancelAsync();
                }
                return [.. window.Select(_ => Decision.Left)];
            }, null, long.MaxValue, enough.Token);
        }
        catch (OperationCanceledException) when (!goesOn)
        {
            // What was looked for is found.
        }
        cancellationToken.ThrowIfCancellationRequested();
        return (ready, session.Hidden);
    }

    // A queue that counts looks and has too few left is left alone; so is one that somebody works off.
    private async Task GuardAccessAsync(QueueSession session, long passes, CancellationToken cancellationToken, Func<TimeSpan, long>? pacedPasses = null)
    {
        var queue = await DescribeAsync(session, cancellationToken);
        session.IsQuorum = queue.Type == "quorum";
        session.TimeToLive = queue.Limit("message-ttl") is { } ttl ? TimeSpan.FromMilliseconds(ttl) : null;
        session.Hidden = await HiddenAsync(queue, session, cancellationToken);
        session.LongestPass = ConsumerTimeout.LongestPass(queue, session.BrokerVersion, countsReturns: Limit(queue, session.BrokerVersion) is not null);
        passes += pacedPasses?.Invoke(session.LongestPass) ?? 0;
        if (await session.ConsumersAsync(session.Queue, cancellationToken) > 0)
            throw new DeadLetterException(DeadLetterProblem.Refused, $"{session.Queue} has a consumer: somebody works it off, so these are no dead letters. Stop that consumer first, if they are");
        if (Limit(queue, session.BrokerVersion) is not { } limit)
            return;
        if (limit < 1)
            throw new DeadLetterException(DeadLetterProblem.Refused, $"{session.Queue} drops a message at its first return (x-delivery-limit {limit} on RabbitMQ {session.BrokerVersion}): nobody can look into it. Give it a policy with a higher delivery-limit, or move its messages by a shovel to a queue without a limit");
        // The message at the head tells how many looks are left; one has to stay for the refusal itself.
        if (await session.PeekAsync(cancellationToken) is { } head && limit - head.Letter.DeliveryCount - passes < 1)
        {
            if (head.Letter.DeliveryCount >= limit)
                await session.RenewAsync(head);
            await session.GiveBackAsync(withTheRest: false);
            throw new DeadLetterException(DeadLetterProblem.Refused, $"Each look at {session.Queue} is counted, and the broker drops a message at its {limit + 1}th return: {Math.Max(limit - head.Letter.DeliveryCount - 1, 0)} looks are left, {passes} would be needed. Raise its delivery-limit by a policy first{(queue.IsAssumed ? ". That limit is the least that is assumed where the real one can’t be read: that takes the management API, or the right to configure the queue" : "")}");
        }
        session.DeliveryLimit = limit;
    }

    // A queue whose delayed retry may hide all of its messages is not called empty by figures that may be older than these messages.
    private async Task<long> HiddenAsync(BrokerQueue? queue, QueueSession session, CancellationToken cancellationToken)
    {
        var start = _time.GetTimestamp();
        while (true)
        {
            var ready = await session.ReadyAsync(cancellationToken);
            var hidden = queue?.HiddenBeside(ready) ?? 0;
            if (ready + hidden > 0 || queue?.HidesReturnedMessages is null || queue.IsAssumed || _time.GetElapsedTime(start) > _oldestFigures)
                return hidden;
            await Task.Delay(_betweenFigures, _time, cancellationToken);
            queue = await _management.QueueAsync(session.Queue, cancellationToken);
        }
    }

    // The queue is there, its messages were counted. Without the management API it is asked by AMQP.
    private async Task<BrokerQueue> DescribeAsync(QueueSession session, CancellationToken cancellationToken)
    {
        try
        {
            if (await _management.QueueAsync(session.Queue, cancellationToken) is { } queue)
                return queue;
        }
        catch (DeadLetterException e) when (e.Problem == DeadLetterProblem.OutOfReach)
        {
            // No plugin, or another problem of the API alone: a queue that is named can be worked on all the same.
        }
        return await session.ProbeAsync(cancellationToken);
    }

    private static long? Limit(BrokerQueue queue, Version version)
    {
        if (queue.Type != "quorum")
            return null;
        if (version.Major < 4)
            return queue.DeliveryLimit;
        // From 4.3 on only what is rejected or lost with its channel counts, not what is given back.
        if (version >= new Version(4, 3) || queue.DeliveryLimit is < 0)
            return null;
        return queue.DeliveryLimit ?? DefaultDeliveryLimit;
    }
}
