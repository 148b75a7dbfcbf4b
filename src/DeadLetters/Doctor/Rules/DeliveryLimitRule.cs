using System.Globalization;

namespace WorkinIt.DeadLetters;

/// <summary>A quorum queue that deletes a message after some failed deliveries, because it has a delivery limit and no dead-letter exchange.</summary>
internal sealed class DeliveryLimitRule : DoctorRule
{
    private const long DefaultLimit = 20; // of RabbitMQ 4.x, for quorum queues that set none

    private static readonly Version _doesNotCountReturns = new(4, 3);

    public override string Id => "delivery-limit";

    public override string Title => "A quorum queue with a delivery limit (20 by default on 4.x) and without a dead-letter exchange: it deletes a message after that many failed deliveries";

    public override string Seen => "3.10.8 (limits that are set), 4.3.6";

    // A dead-letter queue with a limit of its own is of LimitedDeadLetterQueueRule.
    public override IEnumerable<Finding> Check(VirtualHostSnapshot host) =>
        from queue in host.Queues
        where queue is { Type: "quorum", Exclusive: false } && queue.Texts("dead-letter-exchange").Count == 0
        let limit = queue.DeliveryLimit ?? (host.Broker.Major >= 4 ? DefaultLimit : (long?)null)
        where limit >= 0 && !(host.Names.Contains(queue.Name) && queue.DeliveryLimit is not null)
        select Of(
            queue, FindingSeverity.Loss,
            string.Create(CultureInfo.InvariantCulture, $"{queue.Name} deletes a message after {limit} failed deliveries{(queue.DeliveryLimit is null ? ", the default of RabbitMQ 4" : "")}"),
            $"The queue has no dead-letter exchange. {(host.Broker >= _doesNotCountReturns ? "A lost connection, a consumer that dies and basic.reject count, also for messages that were only prefetched" : "Each return counts, also of messages that were only prefetched")}",
            $"Declare it with x-dead-letter-exchange, or set dead-letter-exchange by a policy{(host.Broker.Major >= 4 ? "; or lift the limit with delivery-limit -1" : "; or remove the limit")}");
}
