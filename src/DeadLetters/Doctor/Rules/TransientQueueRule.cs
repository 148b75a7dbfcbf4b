namespace WorkinIt.DeadLetters;

/// <summary>A queue that a restart of the broker deletes, and that others than its connection use.</summary>
internal sealed class TransientQueueRule : DoctorRule
{
    public override string Id => "transient-queue";

    public override string Title => "A queue that is neither durable nor exclusive: a restart of the broker deletes it with its messages, and RabbitMQ 4 deprecates it";

    public override string Seen => "3.10.8, 4.3.6";

    public override IEnumerable<Finding> Check(VirtualHostSnapshot host) =>
        from queue in host.Queues
        where queue is { Durable: false, Exclusive: false }
        select Of(
            queue, FindingSeverity.Loss,
            $"{queue.Name} does not survive a restart of the broker: it is not durable",
            "The restart deletes the queue with all messages. RabbitMQ 4 still declares such a queue, with a warning in its log, and a later version will refuse it",
            "Declare it durable, or exclusive if only one connection uses it" + (queue.AutoDelete ? "" : ". " + DeclareAgain));
}
