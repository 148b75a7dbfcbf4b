namespace WorkinIt.DeadLetters;

/// <summary>Finds the queues that the exchange in front of a queue routes to with an empty routing key, as MassTransit uses.</summary>
internal sealed class TargetRoute(ManagementClient management, string queue)
{
    private const int MostExchanges = 50;

    private readonly HashSet<string> _queues = [];
    private readonly HashSet<string> _seen = [];
    private string? _unclear;

    /// <summary>What is wrong with the route to the queue, and whether nothing would arrive; null if nothing is wrong.</summary>
    public async Task<(bool Refused, string Text)?> ProblemAsync(CancellationToken cancellationToken)
    {
        var exchange = await management.ExchangeAsync(queue, cancellationToken);
        await FollowAsync(queue, exchange?.Kind, cancellationToken);
        if (!_queues.Remove(queue))
        {
            return _unclear is { } type ? (false, $"whether exchange {queue} leads to the queue can't be checked: its type is {type}")
                : (true, $"no route to the queue: exchange {queue} does not lead to queue {queue}{(await AlternateAsync(exchange, cancellationToken) is { } other ? $", and its alternate exchange {other} would take it" : "")}. Bind the queue to it");
        }
        return _queues.Count > 0 ? (false, $"exchange {queue} also sends a copy to {string.Join(", ", _queues.Order(StringComparer.Ordinal))}") : null;
    }

    private async Task FollowAsync(string exchange, string? type, CancellationToken cancellationToken)
    {
        if (!_seen.Add(exchange) || _seen.Count > MostExchanges)
            return;
        foreach (var binding in await management.BindingsFromAsync(exchange, cancellationToken))
        {
            if (Leads(type, binding.RoutingKey) is not { } leads)
                _unclear = type;
            else if (leads && binding.DestinationType == "queue")
                _queues.Add(binding.Destination);
            else if (leads)
                await FollowAsync(binding.Destination, (await management.ExchangeAsync(binding.Destination, cancellationToken))?.Kind, cancellationToken);
        }
    }

    // Null: it depends on data that can't be seen here.
    private static bool? Leads(string? type, string key) => type switch
    {
        "fanout" => true,
        "direct" => key.Length == 0,
        "topic" => key is "" or "#",
        _ => null,
    };

    private async Task<string?> AlternateAsync(BrokerExchange? exchange, CancellationToken cancellationToken)
    {
        if (exchange is null)
            return null;
        if (exchange.Alternate is { } own)
            return own;
        if (exchange.PolicyName is not { Length: > 0 } policy)
            return null;
        try
        {
            return (await management.PolicyAsync(policy, cancellationToken))?.Text("alternate-exchange");
        }
        catch (DeadLetterException)
        {
            return null; // only an administrator may read policies; the refusal does not depend on them
        }
    }
}
