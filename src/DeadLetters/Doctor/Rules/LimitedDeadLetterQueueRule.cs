using System.Globalization;

namespace WorkinIt.DeadLetters;

/// <summary>A dead-letter queue with limits: MassTransit copies all arguments of an input queue to its error queue, and policies with a broad pattern match both.</summary>
internal sealed class LimitedDeadLetterQueueRule : DoctorRule
{
    private const string Copies = "MassTransit copies the arguments of an input queue to its error queue";

    private static readonly string[] _limits = ["delivery-limit", "message-ttl", "max-length", "max-length-bytes", "expires"];

    public override string Id => "limited-dead-letter-queue";

    public override string Title => "A dead-letter queue with a delivery limit, a time to live, a maximum length or an expiry, by its arguments or by a policy";

    public override string Seen => "3.10.8, 4.3.6";

    public override IEnumerable<Finding> Check(VirtualHostSnapshot host) =>
        from queue in host.DeadLetterQueues
        let limits = _limits.Where(limit => ValueOf(host, queue, limit) is not null).ToList()
        where limits.Count > 0
        let end = EndOf(host, queue, limits)
        select Of(
            queue, end.Severity,
            $"{queue.Name} does not keep its dead letters: {string.Join(", ", limits.Select(limit => string.Create(CultureInfo.InvariantCulture, $"{limit} {ValueOf(host, queue, limit)} ({VirtualHostSnapshot.OriginOf(queue, limit)})")))}",
            $"{end.Text}. {Copies}",
            Remedy(host, queue, limits));

    // A negative delivery limit means "unlimited", or is of NegativeDeliveryLimitRule. Only quorum queues have one.
    private static long? ValueOf(VirtualHostSnapshot host, BrokerQueue queue, string limit) =>
        limit != "delivery-limit" ? queue.Limit(limit)
        : queue.Type == "quorum" && queue.DeliveryLimitOn(host.Broker) is >= 0 and var value ? value : null;

    // Where its dead letters end: RabbitMQ does not route a message back to the queue that it leaves because of a limit, and a queue that expires routes none.
    private static (FindingSeverity Severity, string Text) EndOf(VirtualHostSnapshot host, BrokerQueue queue, List<string> limits)
    {
        if (queue.Texts("dead-letter-exchange") is not [var exchange, ..])
            return (FindingSeverity.Loss, "It has no dead-letter exchange: past a limit, the broker deletes dead letters");
        if (limits.Contains("expires"))
            return (FindingSeverity.Loss, "A queue that expires is deleted with its dead letters: they do not go to its dead-letter exchange");
        if (exchange.Length == 0 && queue.Texts("dead-letter-routing-key").Count == 0)
            return (FindingSeverity.Loss, "Its dead-letter exchange is the default one, without a routing key: past a limit, the broker deletes a dead letter unless another queue has the name that is the letter’s own routing key");
        if (exchange.Length > 0 && host.Exchanges.All(one => one.Name != exchange))
            return (queue.KeepsUnroutable ? FindingSeverity.Warning : FindingSeverity.Loss, $"Its dead-letter exchange {exchange} does not exist");
        if (!LeadsBack(host, queue, exchange))
            return (FindingSeverity.Warning, $"Past a limit, the broker moves dead letters on to {(exchange.Length > 0 ? $"exchange {exchange}" : "another queue")}");
        return queue.KeepsUnroutable
            ? (FindingSeverity.Warning, "Its dead-letter exchange leads back to the queue itself. Past a limit, the broker keeps a dead letter where nothing can read it, and it takes part of the maximum length (the strategy at-least-once)")
            : (FindingSeverity.Loss, "Its dead-letter exchange leads back to the queue itself: past a limit, the broker deletes dead letters, without an error");
    }

    private static bool LeadsBack(VirtualHostSnapshot host, BrokerQueue queue, string exchange) => exchange.Length == 0
        ? queue.Texts("dead-letter-routing-key") is [var key, ..] && key == queue.Name
        : host.Bindings.Any(binding => binding.Source == exchange && binding.IsToQueue && binding.Destination == queue.Name);

    // A delivery limit of -1 is what a dead-letter queue should have.
    private static bool IsRemovable(BrokerQueue queue, string limit) => VirtualHostSnapshot.IsByArgument(queue, limit) && !(limit == "delivery-limit" && queue.Own(limit) < 0);

    private static string Remedy(VirtualHostSnapshot host, BrokerQueue queue, List<string> limits) => string.Join(". ", new[]
    {
        limits.Exists(limit => VirtualHostSnapshot.IsByPolicy(queue, limit)) ? $"Narrow the {VirtualHostSnapshot.PolicyOf(queue)} so that it does not match dead-letter queues" : null,
        limits.Exists(limit => IsRemovable(queue, limit))
            ? $"Take the arguments away with cfg.SendTopology.ConfigureErrorSettings{(host.Broker.Major >= 4 && IsRemovable(queue, "delivery-limit") ? ", and set x-delivery-limit to -1 (without it, RabbitMQ 4 sets 20)" : "")}. {DeclareAgain}"
            : null,
    }.OfType<string>());
}
