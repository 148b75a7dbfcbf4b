namespace WorkinIt.DeadLetters;

/// <summary>A dead-letter queue that is deleted with its last consumer or with its connection.</summary>
internal sealed class TemporaryDeadLetterQueueRule : DoctorRule
{
    public override string Id => "temporary-dead-letter-queue";

    public override string Title => "A dead-letter queue that is exclusive or auto-delete: it goes with its connection or its last consumer, and its letters with it";

    public override string Seen => "3.10.8, 4.3.6";

    public override IEnumerable<Finding> Check(VirtualHostSnapshot host) =>
        from queue in host.DeadLetterQueues
        where queue.Exclusive || queue.AutoDelete
        select Of(
            queue, FindingSeverity.Loss,
            $"{queue.Name} is deleted with {(queue.Exclusive ? "the connection that declared it" : "its last consumer")}",
            queue.Exclusive ? "No other connection can read it, so nobody can see its dead letters" : "A consumer that reads it once, also a tool that shows its messages, deletes it with all dead letters when it stops",
            "Declare it durable, neither exclusive nor auto-delete. MassTransit copies these from the endpoint: make the endpoint durable, or set them with cfg.SendTopology.ConfigureErrorSettings. "
            + (queue.Exclusive ? "The dead letters that it has can’t be moved" : "Its dead letters can’t be moved by a shovel, which is a consumer too: publish them again from “Get messages” in RabbitMQ’s management UI"));
}
