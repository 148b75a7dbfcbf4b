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
        let set = queue.DeliveryLimitOn(host.Broker)
        let limit = set ?? (host.Broker.Major >= 4 ? DefaultLimit : (long?)null)
        where limit >= 0 && !(host.Names.Contains(queue.Name) && set is not null)
        select Of(
            queue, FindingSeverity.Loss,
            string.Create(CultureInfo.InvariantCulture, $"{queue.Name} deletes a message after {limit} failed deliveries{(set is null ? ", the default of RabbitMQ 4" : $" ({VirtualHostSnapshot.OriginOf(queue, "delivery-limit")})")}"),
            $"The queue has no dead-letter exchange. {(host.Broker >= _doesNotCountReturns ? "A lost connection, a consumer that dies and basic.reject count, also for messages that were only prefetched" : "Each return counts, also of messages that were only prefetched")}",
            $"{ByPolicy(queue, "dead-letter-exchange")}. An argument would need a new queue, because the broker refuses to declare an existing one with other arguments (406 PRECONDITION_FAILED). {Lift(host, queue, set)}");

    // The lower of two limits applies, and from 4.0 on a limit that is set prevails over -1.
    private static string Lift(VirtualHostSnapshot host, BrokerQueue queue, long? set) =>
        set is not null && queue.Own("delivery-limit") is { } own && (own >= 0 || host.Broker.Major < 4)
            ? "No policy can lift a limit that is an argument"
            : host.Broker.Major >= 4 ? "Or lift the limit with the policy’s delivery-limit -1" : "Or remove the limit from the policy";
}
