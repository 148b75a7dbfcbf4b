namespace WorkinIt.DeadLetters;

/// <summary>A queue whose dead-letter exchange leads nowhere. The broker accepts that, and drops what it dead-letters.</summary>
internal sealed class MissingDeadLetterExchangeRule : DoctorRule
{
    public override string Id => "missing-dead-letter-exchange";

    public override string Title => "A queue whose dead-letter exchange does not exist, or leads to no queue: the broker drops what it dead-letters";

    public override string Seen => "3.10.8, 4.3.6";

    public override IEnumerable<Finding> Check(VirtualHostSnapshot host) =>
        from queue in host.Queues
        where !queue.Exclusive && queue.Texts("dead-letter-exchange") is [_, ..]
        let problem = ProblemOf(host, queue, queue.Texts("dead-letter-exchange")[0])
        where problem is not null
        select Of(
            queue, FindingSeverity.Loss,
            $"{queue.Name} sends what it dead-letters nowhere: {problem}",
            "The broker reports no error. A message that is rejected, expires or exceeds a limit is deleted. With the strategy at-least-once, it stays in the queue and blocks the ones behind it",
            "Declare the exchange, and bind the dead-letter queue to it");

    private static string? ProblemOf(VirtualHostSnapshot host, BrokerQueue queue, string exchange)
    {
        if (exchange.Length == 0)
        {
            var target = queue.Texts("dead-letter-routing-key") is [var key, ..] ? key : null; // null: the message's own routing key
            return target is null || host.Queues.Any(one => one.Name == target) ? null : $"queue {target} does not exist";
        }
        return host.Exchanges.FirstOrDefault(one => one.Name == exchange) is not { } found ? $"exchange {exchange} does not exist"
            : found.Alternate is null && found.PolicyName is not { Length: > 0 } && host.Bindings.All(binding => binding.Source != exchange) ? $"no queue is bound to exchange {exchange}"
            : null;
    }
}
