namespace WorkinIt.DeadLetters;

/// <summary>Opens a queue for an operation, and refuses one whose messages an operation could lose.</summary>
internal sealed class QueueAccess(DeadLetterServices services)
{
    /// <summary>How long a read waits for another operation on the queue to end.</summary>
    public static readonly TimeSpan ReadTimeout = TimeSpan.FromSeconds(5);

    private const int DefaultDeliveryLimit = 20; // of RabbitMQ 4.x, for quorum queues that set none
    private static readonly TimeSpan _betweenFigures = TimeSpan.FromMilliseconds(500);

    /// <summary>Connects and takes the queue's lock; see <see cref="QueueSession.OpenAsync"/>.</summary>
    public Task<QueueSession> OpenAsync(string queue, string verb, string by, TimeSpan timeout, CancellationToken cancellationToken) =>
        QueueSession.OpenAsync(services.Options, queue, verb, by, timeout, HolderAsync, cancellationToken);

    /// <summary>Reads the queue's definition into the session. Refuses a queue that has a consumer, or that counts reads and has too few of them left.</summary>
    /// <param name="session">The session.</param>
    /// <param name="passes">How often the operation reads the queue.</param>
    /// <param name="cancellationToken">Cancels the operation.</param>
    /// <param name="pacedPasses">Further reads because of a pace, by the longest time that one may take.</param>
    public async Task GuardAsync(QueueSession session, long passes, CancellationToken cancellationToken, Func<TimeSpan, long>? pacedPasses = null)
    {
        var queue = await DescribeAsync(session, cancellationToken);
        if (queue.AutoDelete)
            throw new DeadLetterException(DeadLetterProblem.Refused, $"{session.Queue} is auto-delete: RabbitMQ deletes it with all its messages as soon as its last consumer leaves, so it can’t be read here. “Get messages” in RabbitMQ’s management UI shows them without a consumer. Make its endpoint durable");
        (session.IsQuorum, session.HidesReturned) = (queue.Type == "quorum", queue.HidesReturnedMessages is not null);
        session.TimeToLive = queue.Limit("message-ttl") is { } ttl ? TimeSpan.FromMilliseconds(ttl) : null;
        session.Hidden = await HiddenAsync(queue, session, cancellationToken);
        session.LongestPass = ConsumerTimeout.LongestPass(queue, session.BrokerVersion, countsReturns: Limit(queue, session.BrokerVersion) is not null);
        passes += pacedPasses?.Invoke(session.LongestPass) ?? 0;
        if (await session.Broker.ConsumersAsync(session.Queue, cancellationToken) > 0)
            throw new DeadLetterException(DeadLetterProblem.Refused, $"{session.Queue} has a consumer, so its messages are being processed and are not dead letters. If they are dead letters, stop that consumer first");
        if (Limit(queue, session.BrokerVersion) is not { } limit)
            return;
        if (limit < 1)
            throw new DeadLetterException(DeadLetterProblem.Refused, $"{session.Queue} drops a message at its first return (x-delivery-limit {limit} on RabbitMQ {session.BrokerVersion}): it can't be read without losing messages. {queue.MoreReturnsAdviceOn(session.BrokerVersion)}");
        // The message at the head shows how many reads are left; the refusal itself needs one.
        if (await session.PeekAsync(cancellationToken) is { } head && limit - head.Letter.DeliveryCount - passes < 1)
        {
            if (head.Letter.DeliveryCount >= limit)
                await session.RenewAsync(head);
            await session.GiveBackAsync(withTheRest: false);
            throw new DeadLetterException(DeadLetterProblem.Refused, $"RabbitMQ counts each read of {session.Queue}, and drops a message at its {limit + 1}th return: {Math.Max(limit - head.Letter.DeliveryCount - 1, 0)} reads are left, {passes} are needed. {queue.MoreReturnsAdviceOn(session.BrokerVersion)}{(queue.IsAssumed ? ". This limit is an assumed minimum, because the real one can’t be read: that needs the management API, or permission to configure the queue" : "")}");
        }
        session.DeliveryLimit = limit;
    }

    /// <summary>Checks for an alarm that is already active. If one starts later, the connection itself reports it.</summary>
    /// <exception cref="DeadLetterException">RabbitMQ accepts no messages.</exception>
    public async Task GuardAlarmAsync(CancellationToken cancellationToken)
    {
        if (await services.Management.AlarmAsync(cancellationToken) is { } alarm)
            throw BlockedState.InWords(alarm);
    }

    private async Task<string> HolderAsync(string lockQueue, CancellationToken cancellationToken)
    {
        try
        {
            return await services.Management.QueueAsync(lockQueue, cancellationToken) is { } queue && queue.Text("who") is { } who
                ? $"{who} is running an operation on this queue ({queue.Text("what")}, since {queue.Text("since")})"
                : "Another operation is running on this queue";
        }
        catch (DeadLetterException)
        {
            return "Another operation is running on this queue (the management API could not report whose)";
        }
    }

    // The figures of the management API may be older than the messages. If delayed retry may hide all messages of a queue, wait for newer figures
    // before reporting it as empty.
    private async Task<long> HiddenAsync(BrokerQueue? queue, QueueSession session, CancellationToken cancellationToken)
    {
        var start = services.Time.GetTimestamp();
        while (true)
        {
            var ready = await session.ReadyAsync(cancellationToken);
            var hidden = queue?.HiddenBeside(ready) ?? 0;
            if (ready + hidden > 0 || queue?.HidesReturnedMessages is null || queue.IsAssumed || services.Time.GetElapsedTime(start) > BrokerQueue.OldestFigures)
                return hidden;
            await Task.Delay(_betweenFigures, services.Time, cancellationToken);
            queue = await services.Management.QueueAsync(session.Queue, cancellationToken);
        }
    }

    // The queue exists, because its messages were counted. Without the management API, use AMQP.
    private async Task<BrokerQueue> DescribeAsync(QueueSession session, CancellationToken cancellationToken)
    {
        try
        {
            if (await services.Management.QueueAsync(session.Queue, cancellationToken) is { } queue)
                return queue;
        }
        catch (DeadLetterException e) when (e.Problem == DeadLetterProblem.Unreachable)
        {
            // The management plugin is missing, or only the API has a problem: AMQP is enough for a queue whose name is given.
        }
        return await session.ProbeAsync(cancellationToken);
    }

    /// <summary>How many returns of a message the broker allows, if a read is one of them; null if reads do not count.</summary>
    internal static long? Limit(BrokerQueue queue, Version version)
    {
        if (queue.Type != "quorum")
            return null;
        if (version.Major < 4)
            return queue.DeliveryLimitOn(version);
        // From 4.3 on, only a message that is rejected or lost with its channel counts, not one that is returned.
        if (version >= new Version(4, 3) || queue.DeliveryLimitOn(version) is < 0)
            return null;
        return queue.DeliveryLimitOn(version) ?? DefaultDeliveryLimit;
    }
}
