using System.Globalization;

namespace WorkinIt.DeadLetters;

/// <summary>A dead-letter queue with limits: MassTransit copies all arguments of an input queue to its error queue, and policies with a broad pattern match both.</summary>
internal sealed class LimitedDeadLetterQueueRule : DoctorRule
{
    private static readonly string[] _limits = ["delivery-limit", "message-ttl", "max-length", "max-length-bytes", "expires"];

    public override string Id => "limited-dead-letter-queue";

    public override string Title => "A dead-letter queue with a delivery limit, a time to live, a maximum length or an expiry, by its arguments or by a policy";

    public override string Seen => "3.10.8, 4.3.6";

    public override IEnumerable<Finding> Check(VirtualHostSnapshot host) =>
        from queue in host.DeadLetterQueues
        let limits = _limits.Where(limit => IsLimited(queue, limit)).Select(limit => string.Create(CultureInfo.InvariantCulture, $"{limit} {queue.Limit(limit)} ({VirtualHostSnapshot.OriginOf(queue, limit)})")).ToList()
        where limits.Count > 0
        select Of(
            queue, queue.Texts("dead-letter-exchange").Count == 0 ? FindingSeverity.Loss : FindingSeverity.Warning,
            $"{queue.Name} does not keep its dead letters: {string.Join(", ", limits)}",
            "Past a limit, the broker deletes dead letters, or moves them on if the queue has a dead-letter exchange. MassTransit copies the arguments of an input queue to its error queue",
            "Narrow the policy so that it does not match dead-letter queues. For arguments: take them away with cfg.SendTopology.ConfigureErrorSettings, then move the dead letters to a queue that is declared anew");

    // A negative delivery limit means "unlimited", or is of NegativeDeliveryLimitRule. Only quorum queues have one.
    private static bool IsLimited(BrokerQueue queue, string limit) =>
        queue.Limit(limit) is { } value && (limit != "delivery-limit" || (value >= 0 && queue.Type == "quorum"));
}
