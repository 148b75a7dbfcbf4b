using System.Globalization;

namespace WorkinIt.DeadLetters;

/// <summary>Finds dead-letter queues and describes them.</summary>
internal sealed class QueueFinder(DeadLetterServices services)
{
    /// <summary>Lists the dead-letter queues, non-empty ones first.</summary>
    /// <param name="cancellationToken">Cancels the operation.</param>
    /// <exception cref="DeadLetterException">The management API does not answer.</exception>
    public async Task<IReadOnlyList<DeadLetterQueue>> FindQueuesAsync(CancellationToken cancellationToken)
    {
        var queues = (await services.Management.QueuesAsync(cancellationToken))
            .Where(queue => !queue.Exclusive && services.Options.Names.Contains(queue.Name))
            .ToList();
        var ready = await QueueCounts.ReadyAsync(services.Options, [.. queues.Select(queue => queue.Name)], cancellationToken);
        return [.. queues
            .Select(queue => Describe(queue, ready))
            .OrderBy(queue => queue.Messages == 0).ThenBy(queue => queue.IsDiscarded).ThenBy(queue => queue.Name, StringComparer.Ordinal)];
    }

    /// <summary>Lists the non-empty queues in which messages wait for a time and then return to another queue: those with a TTL and a dead-letter exchange.</summary>
    /// <param name="cancellationToken">Cancels the operation.</param>
    /// <returns>Their names and how many messages they hold, as the management API counts them.</returns>
    public async Task<IReadOnlyList<(string Name, long Messages)>> FindDelayQueuesAsync(CancellationToken cancellationToken) =>
        [.. (await services.Management.QueuesAsync(cancellationToken))
            .Where(queue => !queue.Exclusive && queue.Messages > 0 && !services.Options.Names.Contains(queue.Name) && queue.Limit("message-ttl") is not null && queue.Text("x-dead-letter-exchange") is not null)
            .OrderBy(queue => queue.Name, StringComparer.Ordinal).Select(queue => (queue.Name, queue.Messages))];

    /// <summary>Finds one queue; null if there is none.</summary>
    /// <param name="queue">The queue's name.</param>
    /// <param name="cancellationToken">Cancels the operation.</param>
    public async Task<DeadLetterQueue?> FindQueueAsync(string queue, CancellationToken cancellationToken)
    {
        try
        {
            return await services.Management.QueueAsync(queue, cancellationToken) is { } found
                ? Describe(found, await QueueCounts.ReadyAsync(services.Options, [queue], cancellationToken))
                : null;
        }
        catch (DeadLetterException e) when (e.Problem == DeadLetterProblem.Unreachable)
        {
            // Without the management API, ask the broker. If it does not answer either, this throws.
            return (await QueueCounts.ReadyAsync(services.Options, [queue], cancellationToken)).TryGetValue(queue, out var count)
                ? new DeadLetterQueue(queue, count, services.InputQueueOf(queue), DeadLetterQueueNames.IsDiscarded(queue), null)
                : null;
        }
    }

    // The version does not matter here: where the limits of 3.x differ, a read is refused.
    private static readonly Version _countsReads = new(4, 2);

    /// <summary>What reading the queue costs; null if nothing.</summary>
    internal static string? AccessWarning(BrokerQueue queue) =>
        queue.HidesReturnedMessages is { } delay ? $"The queue uses RabbitMQ's delayed retry: each message that is read is hidden {delay}, and comes back automatically"
        : queue.Type == "quorum" && queue.DeliveryLimitOn(_countsReads) is >= 0 and var limit
            ? string.Create(CultureInfo.InvariantCulture, $"The queue has a delivery limit of {limit}: up to RabbitMQ 4.2 each read counts toward it, and after {limit} the broker drops the message")
            : null;

    // Count unacked messages too: a replay in progress may return them.
    private DeadLetterQueue Describe(BrokerQueue queue, IReadOnlyDictionary<string, long> ready)
    {
        var now = ready.GetValueOrDefault(queue.Name, queue.Ready);
        var hidden = queue.HiddenBeside(now);
        return new DeadLetterQueue(
            queue.Name, now + hidden > 0 ? now + hidden : queue.Unacknowledged, services.InputQueueOf(queue.Name), DeadLetterQueueNames.IsDiscarded(queue.Name),
            AccessWarning(queue))
        {
            Hidden = hidden,
            HidesReadMessages = queue.HidesReturnedMessages is not null,
        };
    }
}
