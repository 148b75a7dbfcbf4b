namespace WorkinIt.DeadLetters;

/// <summary>A dead-letter queue that hides what was read: delayed retry of RabbitMQ 4.3.</summary>
internal sealed class DelayedRetryRule : DoctorRule
{
    public override string Id => "delayed-retry";

    public override string Title => "A dead-letter queue with delayed retry (all, returned): each look hides its messages for a while";

    public override string Seen => "4.3.6";

    public override IEnumerable<Finding> Check(VirtualHostSnapshot host) =>
        from queue in host.Queues
        where host.Names.Contains(queue.Name) && queue.HidesReturnedMessages is not null
        select Of(
            queue, FindingSeverity.Warning,
            $"{queue.Name} hides each message that someone has looked at, {queue.HidesReturnedMessages}",
            "RabbitMQ's delayed retry treats a message that was read and given back like a failed one. Counts, basic.get and a replay do not see it until the delay ends",
            VirtualHostSnapshot.IsByArgument(queue, "delayed-retry-type") ? $"Declare the queue with the x-delayed-retry-type failed or disabled. {DeclareAgain}"
                : $"Set delayed-retry-type to failed or disabled for dead-letter queues, in the {VirtualHostSnapshot.PolicyOf(queue)}");
}
