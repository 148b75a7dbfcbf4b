namespace WorkinIt.DeadLetters;

/// <summary>An input queue whose messages, or which itself, expires.</summary>
internal sealed class ExpiringInputRule : DoctorRule
{
    public override string Id => "expiring-input";

    public override string Title => "An input queue with a time to live or an expiry: messages that wait for a consumer, replayed ones too, are deleted or moved on";

    public override string Seen => "3.10.8, 4.3.6";

    public override IEnumerable<Finding> Check(VirtualHostSnapshot host) => host.Inputs.SelectMany(OfQueue);

    private IEnumerable<Finding> OfQueue(BrokerQueue queue)
    {
        if (queue.Limit("message-ttl") is { } ttl)
        {
            var next = queue.Texts("dead-letter-exchange") is [var exchange, ..] ? exchange : null;
            yield return Of(
                queue, next is null ? FindingSeverity.Loss : FindingSeverity.Warning,
                $"{queue.Name} {(next is null ? "deletes" : "moves on")} a message that waits for {Words(ttl)} (message-ttl, {VirtualHostSnapshot.OriginOf(queue, "message-ttl")})",
                next is null ? "While the consumers are down or slow, messages vanish without a trace, and so do replayed ones" : "While the consumers are down or slow, messages leave the queue without MassTransit's headers that say why",
                Remedy(queue, next));
        }
        if (queue.Limit("expires") is { } life)
        {
            yield return Of(
                queue, FindingSeverity.Loss,
                $"{queue.Name} is deleted with its messages after {Words(life)} without a consumer (expires, {VirtualHostSnapshot.OriginOf(queue, "expires")})",
                "A stop of the consumers that takes longer deletes all messages, and what is published then goes nowhere",
                VirtualHostSnapshot.IsByArgument(queue, "expires") ? $"Declare the queue without x-expires. {DeclareAgain}" : $"Take the expiry out of the {VirtualHostSnapshot.PolicyOf(queue)}");
        }
    }

    private static string Remedy(BrokerQueue queue, string? next)
    {
        var remove = VirtualHostSnapshot.IsByArgument(queue, "message-ttl") ? $"declare the queue without x-message-ttl. {DeclareAgain}" : $"take the time to live out of the {VirtualHostSnapshot.PolicyOf(queue)}";
        return next is null ? $"{ByPolicy(queue, "dead-letter-exchange")}, one that leads to its error queue; or {remove}" : $"{char.ToUpperInvariant(remove[0])}{remove[1..]}";
    }

    private static string Words(long milliseconds) => Duration.Words(TimeSpan.FromMilliseconds(milliseconds));
}
