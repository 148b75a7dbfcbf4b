namespace WorkinIt.DeadLetters;

/// <summary>The exchange in front of an input queue has an alternate exchange: a message without a route goes there, and its publisher does not notice.</summary>
internal sealed class AlternateExchangeRule : DoctorRule
{
    public override string Id => "alternate-exchange";

    public override string Title => "The exchange in front of an input queue has an alternate exchange: if the queue is not bound, a replayed message goes elsewhere, and the broker confirms it";

    public override string Seen => "3.10.8, 4.3.6";

    public override IEnumerable<Finding> Check(VirtualHostSnapshot host) =>
        from queue in host.Inputs
        from exchange in host.Exchanges
        where exchange.Name == queue.Name
        let alternate = exchange.Alternate ?? host.Policies?.FirstOrDefault(policy => policy.Name == exchange.PolicyName)?.Text("alternate-exchange")
        where alternate is not null
        let isBound = host.Bindings.Any(binding => binding.Source == queue.Name && binding.IsToQueue && binding.Destination == queue.Name)
        select Of(
            queue, isBound ? FindingSeverity.Warning : FindingSeverity.Loss,
            $"Exchange {exchange.Name} has the alternate exchange {alternate}{(isBound ? "" : $", and queue {queue.Name} is not bound to it")}",
            $"A message that finds no queue is not returned to its publisher: it goes to {alternate}, and the broker confirms it. {(isBound ? "That happens as soon as the binding of the queue is missing" : "That happens to every message now")}",
            $"{(isBound ? "" : "Bind the queue to the exchange. ")}{(exchange.Alternate is null ? "Remove the alternate exchange from the policy" : "Remove the alternate exchange: it is an argument, which needs a new exchange (delete it, and declare it again)")}, or watch the queues that it leads to");

    public override string? NotChecked(VirtualHostSnapshot host) =>
        host.Policies is null && host.Inputs.Any(queue => host.Exchanges.Any(exchange => exchange.Name == queue.Name && exchange.PolicyName is { Length: > 0 }))
            ? "An exchange in front of an input queue has a policy, and this user may not read policies: that needs the tag policymaker or administrator" : null;
}
