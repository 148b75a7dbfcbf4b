namespace WorkinIt.DeadLetters;

/// <summary>A queue with a short consumer timeout of its own.</summary>
internal sealed class ConsumerTimeoutRule : DoctorRule
{
    private static readonly TimeSpan _short = TimeSpan.FromMinutes(5);

    public override string Id => "consumer-timeout";

    public override string Title => "A queue with a consumer timeout below 5 minutes: a consumer that takes longer, retries in place included, runs twice";

    public override string Seen => "4.3.6";

    public override IEnumerable<Finding> Check(VirtualHostSnapshot host) =>
        from queue in host.Queues
        let timeout = queue.ConsumerTimeoutOn(host.Broker)
        where !queue.Exclusive && timeout < _short && !(queue.Type == "classic" && host.Broker >= new Version(4, 3)) // these have none
        select Of(
            queue, FindingSeverity.Warning,
            $"A consumer of {queue.Name} may hold a message for {Duration.Words(timeout.Value)} (consumer-timeout, {VirtualHostSnapshot.OriginOf(queue, "consumer-timeout")})",
            "After that time the broker takes the message back and gives it to another consumer, while the first one still works on it. Retries in place hold the message for all their intervals together",
            $"{(queue.Own("consumer-timeout") < _short.TotalMilliseconds ? $"Declare the queue with a timeout that is longer than the slowest consumer with all its retries in place: no policy can make an argument longer. {DeclareAgain}. Or" : $"Make it longer in the {VirtualHostSnapshot.PolicyOf(queue)}: longer than the slowest consumer with all its retries in place. Or")} use delayed redelivery instead of long retries");
}
