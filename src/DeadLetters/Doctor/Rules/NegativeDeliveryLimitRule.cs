namespace WorkinIt.DeadLetters;

/// <summary>A delivery limit of -1 on RabbitMQ 3: it means "unlimited" from 4.0 on, and deletes a message at its first return before.</summary>
internal sealed class NegativeDeliveryLimitRule : DoctorRule
{
    public override string Id => "negative-delivery-limit";

    public override string Title => "A quorum queue with the delivery limit -1 before 4.0: it drops a message at its first return";

    public override string Seen => "3.10.8";

    public override IEnumerable<Finding> Check(VirtualHostSnapshot host) =>
        from queue in host.Queues
        where host.Broker.Major < 4 && queue.Type == "quorum" && queue.DeliveryLimitOn(host.Broker) < 0
        select Of(
            queue, FindingSeverity.Loss,
            $"{queue.Name} drops a message at its first return: its delivery limit is {queue.DeliveryLimitOn(host.Broker)}",
            "From RabbitMQ 4.0 on, -1 means unlimited. Before, each message that a consumer returns, or holds when it stops, is dropped, or dead-lettered if there is a dead-letter exchange. Reading the queue has the same effect",
            $"Declare the queue without the limit ({VirtualHostSnapshot.OriginOf(queue, "delivery-limit")}): without one, RabbitMQ 3 has no limit, and a policy can’t raise this one. {DeclareAgain}");
}
