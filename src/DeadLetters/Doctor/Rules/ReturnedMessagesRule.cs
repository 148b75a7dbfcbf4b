using System.Globalization;

namespace WorkinIt.DeadLetters;

/// <summary>A message that goes round: a consumer returns it, and gets it again.</summary>
internal sealed class ReturnedMessagesRule : DoctorRule
{
    private const double LeastRate = 10; // per second: MassTransit's own retries and redeliveries are slower, and a restart of consumers is over in seconds
    private const double LeastShare = 10; // redeliveries for each message that is handled

    private static readonly Version _doesNotCountReturns = new(4, 3);

    public override string Id => "returned-messages";

    public override string Title => "Messages that a consumer returns and gets again, all the time (RethrowFaultedMessages, nack with requeue): from 4.3 on, no delivery limit ends that";

    public override string Seen => "3.10.8, 4.3.6";

    public override IEnumerable<Finding> Check(VirtualHostSnapshot host) =>
        from queue in host.Queues
        where !host.Names.Contains(queue.Name) // a page or a dry run of this console returns what it has read
        let rate = queue.Rate("redeliver")
        where rate >= LeastRate && rate >= LeastShare * queue.Rate("ack")
        select Of(
            queue, FindingSeverity.Warning,
            string.Create(CultureInfo.InvariantCulture, $"Consumers of {queue.Name} return messages and get them again, {rate:0} times a second"),
            host.Broker >= _doesNotCountReturns ? "It does not end: from RabbitMQ 4.3 on, a delivery limit does not count a message that is returned by basic.nack, as MassTransit returns it with RethrowFaultedMessages"
                : "It does not end, unless the queue has a delivery limit. From RabbitMQ 4.3 on, not even that ends it",
            "Let MassTransit move failed messages to the error queue: do not use RethrowFaultedMessages, and do not return a message without a wait");
}
