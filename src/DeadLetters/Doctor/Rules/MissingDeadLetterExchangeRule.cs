namespace WorkinIt.DeadLetters;

/// <summary>A queue whose dead-letter exchange leads nowhere. The broker accepts that, and drops what it dead-letters.</summary>
internal sealed class MissingDeadLetterExchangeRule : DoctorRule
{
    public override string Id => "missing-dead-letter-exchange";

    public override string Title => "A queue whose dead-letter exchange does not exist, or leads to no queue: the broker drops what it dead-letters, or keeps it where nothing can read it";

    public override string Seen => "3.10.8, 4.3.6";

    public override IEnumerable<Finding> Check(VirtualHostSnapshot host) =>
        from queue in host.Queues
        where !queue.Exclusive && queue.Texts("dead-letter-exchange") is [_, ..]
        let problem = ProblemOf(host, queue, queue.Texts("dead-letter-exchange")[0])
        where problem is not null
        select Of(
            queue, queue.KeepsUnroutable ? FindingSeverity.Warning : FindingSeverity.Loss,
            $"{queue.Name} sends what it dead-letters nowhere: {problem}",
            queue.KeepsUnroutable
                ? "The broker reports no error. A message that is rejected, expires or exceeds a limit stays in the queue, where no consumer gets it (the strategy at-least-once). It counts toward a maximum length, so the queue may refuse new messages. It is deleted with the queue"
                : "The broker reports no error. A message that is rejected, expires or exceeds a limit is deleted",
            $"Declare the exchange, and bind the dead-letter queue to it{(queue.KeepsUnroutable ? ". The broker tries again every 3 minutes" : "")}");

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
