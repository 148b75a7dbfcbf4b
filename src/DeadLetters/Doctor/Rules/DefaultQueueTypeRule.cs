namespace WorkinIt.DeadLetters;

/// <summary>A queue of another type than new ones get: the default queue type was changed after it was declared.</summary>
internal sealed class DefaultQueueTypeRule : DoctorRule
{
    public override string Id => "default-queue-type";

    public override string Title => "A queue of another type than the default queue type of the virtual host: an application that declares it without a type fails at its next start (406)";

    public override string Seen => "4.3.6";

    // The default applies to durable queues that are not exclusive. A quorum queue in a virtual host with the default "classic" was most likely declared as one.
    public override IEnumerable<Finding> Check(VirtualHostSnapshot host) =>
        from queue in host.Queues
        where host.DefaultQueueType is "quorum" or "stream" && queue is { Durable: true, Exclusive: false, AutoDelete: false } && queue.Type != host.DefaultQueueType
        select Of(
            queue, FindingSeverity.Warning,
            $"{queue.Name} is a {queue.Type} queue, and the default queue type is {host.DefaultQueueType}",
            "An application that declares it without x-queue-type, as MassTransit does by default, is refused at its next start or reconnect (406 PRECONDITION_FAILED), and consumes nothing",
            $"Declare the type in the application (SetQuorumQueue, or SetQueueArgument(\"x-queue-type\", \"{queue.Type}\")); or set the default queue type back; or replace the queue by a new one");
}
