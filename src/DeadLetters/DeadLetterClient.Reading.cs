using System.Text.Json;

namespace WorkinIt.DeadLetters;

/// <content>Reads queues without changing them: every message returns to its place.</content>
public sealed partial class DeadLetterClient
{
    private const int DefaultDeliveryLimit = 20; // of RabbitMQ 4.x, for quorum queues that set none
    private static readonly TimeSpan _oldestFigures = TimeSpan.FromSeconds(10); // a quorum queue reports every 5 s, and the API collects every 5 s
    private static readonly TimeSpan _betweenFigures = TimeSpan.FromMilliseconds(500);
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
        var (ready, hidden) = await LookAsync(queue, "list", by, filter.IsEmpty ? Math.Min(most, skip + take) : most, letter =>
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

    /// <summary>Finds one dead letter by its id or its MessageId; the first in the queue if there are several.</summary>
    /// <param name="queue">The queue.</param>
    /// <param name="id">The dead letter's id, or a MessageId.</param>
    /// <param name="by">The operator.</param>
    /// <param name="cancellationToken">Cancels the operation.</param>
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

    /// <summary>Searches all dead-letter queues for messages with an id.</summary>
    /// <param name="id">A MessageId, or a dead letter's id.</param>
    /// <param name="by">The operator.</param>
    /// <param name="cancellationToken">Cancels the operation.</param>
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

    /// <summary>Describes what the application knows about a message, wherever it is; null if it has no record of the message.</summary>
    /// <param name="messageId">The MessageId.</param>
    /// <param name="cancellationToken">Cancels the operation.</param>
    public Task<string?> DescribeAsync(string messageId, CancellationToken cancellationToken) =>
        _advisor?.DescribeAsync(messageId, cancellationToken) ?? Task.FromResult<string?>(null);

    /// <summary>Exports dead letters as JSON Lines, one object per line, complete and unmasked. The audit log records the export.</summary>
    /// <param name="request">Which messages.</param>
    /// <param name="output">The stream to write to.</param>
    /// <param name="progress">Receives progress reports.</param>
    /// <param name="cancellationToken">Cancels the operation.</param>
    /// <returns>How many messages were exported.</returns>
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

    /// <summary>Records in the audit log that an operator has revealed the masked values of a message.</summary>
    /// <param name="letter">The message.</param>
    /// <param name="by">The operator.</param>
    /// <param name="cancellationToken">Cancels the operation.</param>
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
            // The caller has what it needs.
        }
        cancellationToken.ThrowIfCancellationRequested();
        return (ready, session.Hidden);
    }

    // Refuse a queue that counts reads and has too few of them left, and a queue that has a consumer.
    private async Task GuardAccessAsync(QueueSession session, long passes, CancellationToken cancellationToken, Func<TimeSpan, long>? pacedPasses = null)
    {
        var queue = await DescribeAsync(session, cancellationToken);
        session.IsQuorum = queue.Type == "quorum";
        session.TimeToLive = queue.Limit("message-ttl") is { } ttl ? TimeSpan.FromMilliseconds(ttl) : null;
        session.Hidden = await HiddenAsync(queue, session, cancellationToken);
        session.LongestPass = ConsumerTimeout.LongestPass(queue, session.BrokerVersion, countsReturns: Limit(queue, session.BrokerVersion) is not null);
        passes += pacedPasses?.Invoke(session.LongestPass) ?? 0;
        if (await session.ConsumersAsync(session.Queue, cancellationToken) > 0)
            throw new DeadLetterException(DeadLetterProblem.Refused, $"{session.Queue} has a consumer, so its messages are being processed and are not dead letters. If they are dead letters, stop that consumer first");
        if (Limit(queue, session.BrokerVersion) is not { } limit)
            return;
        if (limit < 1)
            throw new DeadLetterException(DeadLetterProblem.Refused, $"{session.Queue} drops a message at its first return (x-delivery-limit {limit} on RabbitMQ {session.BrokerVersion}): it can't be read without losing messages. Set a policy with a higher delivery-limit, or move its messages with a shovel to a queue without a limit");
        // The message at the head shows how many reads are left; the refusal itself needs one.
        if (await session.PeekAsync(cancellationToken) is { } head && limit - head.Letter.DeliveryCount - passes < 1)
        {
            if (head.Letter.DeliveryCount >= limit)
                await session.RenewAsync(head);
            await session.GiveBackAsync(withTheRest: false);
            throw new DeadLetterException(DeadLetterProblem.Refused, $"RabbitMQ counts each read of {session.Queue}, and drops a message at its {limit + 1}th return: {Math.Max(limit - head.Letter.DeliveryCount - 1, 0)} reads are left, {passes} are needed. Raise its delivery-limit by a policy first{(queue.IsAssumed ? ". This limit is an assumed minimum, because the real one can’t be read: that needs the management API, or permission to configure the queue" : "")}");
        }
        session.DeliveryLimit = limit;
    }

    // The figures of the management API may be older than the messages. If delayed retry may hide all messages of a queue, wait for newer figures
    // before reporting it as empty.
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

    // The queue exists, because its messages were counted. Without the management API, use AMQP.
    private async Task<BrokerQueue> DescribeAsync(QueueSession session, CancellationToken cancellationToken)
    {
        try
        {
            if (await _management.QueueAsync(session.Queue, cancellationToken) is { } queue)
                return queue;
        }
        catch (DeadLetterException e) when (e.Problem == DeadLetterProblem.OutOfReach)
        {
            // The management plugin is missing, or only the API has a problem: AMQP is enough for a queue whose name is given.
        }
        return await session.ProbeAsync(cancellationToken);
    }

    private static long? Limit(BrokerQueue queue, Version version)
    {
        if (queue.Type != "quorum")
            return null;
        if (version.Major < 4)
            return queue.DeliveryLimit;
        // From 4.3 on, only a message that is rejected or lost with its channel counts, not one that is returned.
        if (version >= new Version(4, 3) || queue.DeliveryLimit is < 0)
            return null;
        return queue.DeliveryLimit ?? DefaultDeliveryLimit;
    }
}
