using System.Collections.Concurrent;

namespace WorkinIt.DeadLetters.Catalogue.Feed;

/// <summary>
/// The exchanges of a virtual host and what leads through them to dead-letter queues: which bindings the feed needs, and which dead-letter queues
/// got the message that a copy was made of.
/// </summary>
internal sealed class FeedRoutes
{
    // A binding to an exchange of another type could change what the dead-letter queue gets: some distribute messages among their bindings.
    private static readonly HashSet<string> _types = ["fanout", "direct", "topic", "headers"];

    private readonly Dictionary<string, BrokerExchange> _exchanges;
    private readonly ILookup<string, BrokerBinding> _from;
    private readonly HashSet<string> _queues;
    private readonly ConcurrentDictionary<string, IReadOnlySet<string>> _reached = new();

    /// <param name="exchanges">All exchanges of the virtual host.</param>
    /// <param name="bindings">All bindings of the virtual host.</param>
    /// <param name="queues">The dead-letter queues.</param>
    public FeedRoutes(IEnumerable<BrokerExchange> exchanges, IReadOnlyCollection<BrokerBinding> bindings, IEnumerable<string> queues)
    {
        _exchanges = exchanges.Where(exchange => exchange.Name.Length > 0).ToDictionary(exchange => exchange.Name);
        // The feed's own bindings decide nothing: each equals one of a dead-letter queue.
        _from = bindings.Where(binding => binding.Source.Length > 0 && !IsToFeed(binding)).ToLookup(binding => binding.Source);
        _queues = [.. queues];
        Existing = bindings.Where(binding => binding.Source.Length > 0 && IsToFeed(binding)).Select(FeedBinding.Like).ToHashSet();
        Bindings = _from.SelectMany(source => source).Where(binding => binding.IsToQueue && _queues.Contains(binding.Destination)).ToLookup(binding => binding.Destination);
    }

    /// <summary>The feed's bindings as they are.</summary>
    public IReadOnlySet<FeedBinding> Existing { get; }

    /// <summary>The bindings that lead to a dead-letter queue, by queue.</summary>
    private ILookup<string, BrokerBinding> Bindings { get; }

    /// <summary>The bindings that copy what reaches a dead-letter queue.</summary>
    public IReadOnlyList<FeedBinding> BindingsFor(string queue) =>
        [.. Bindings[queue].Where(binding => _types.Contains(TypeOf(binding.Source))).Select(FeedBinding.Like).Distinct()];

    /// <summary>Why copies can't show exactly what is in a queue; null if they can.</summary>
    public string? ProblemOf(string queue)
    {
        if (!Bindings[queue].Any())
            return "No exchange leads to this queue, so there are no copies of its letters. It is read again when its number of messages changes";
        if (Bindings[queue].FirstOrDefault(binding => !_types.Contains(TypeOf(binding.Source))) is { } other)
            return $"Exchange {other.Source} has the type {TypeOf(other.Source)}. A binding for copies could change what it sends to this queue";
        var ambiguous = _exchanges.Keys.FirstOrDefault(exchange => Reached(exchange).Count > 1 && Through(exchange).Any(next => TypeOf(next) == "headers" && Reached(next).Contains(queue)));
        return ambiguous is null ? null : $"Exchange {ambiguous} leads to several dead-letter queues by headers, so a copy does not show which of them got the message";
    }

    /// <summary>The dead-letter queues that got the message of a copy.</summary>
    /// <param name="exchange">The exchange that the message was published to.</param>
    /// <param name="keys">Its routing key, and those in its CC header.</param>
    public IReadOnlyList<string> QueuesOf(string exchange, IReadOnlyList<string> keys)
    {
        if (Reached(exchange) is not { Count: > 0 } reached)
            return [];
        var (queues, seen, next) = (new HashSet<string>(), new HashSet<string> { exchange }, new Queue<string>([exchange]));
        while (next.TryDequeue(out var current))
        {
            var matching = _from[current].Where(binding => Matches(binding, keys, isOnlyOne: reached.Count == 1)).ToList();
            queues.UnionWith(matching.Where(binding => binding.IsToQueue && _queues.Contains(binding.Destination)).Select(binding => binding.Destination));
            var exchanges = matching.Where(binding => !binding.IsToQueue).Select(binding => binding.Destination);
            if (matching.Count == 0 && _exchanges.GetValueOrDefault(current)?.Alternate is { } alternate)
                exchanges = [alternate];
            foreach (var destination in exchanges.Where(seen.Add))
                next.Enqueue(destination);
        }
        return [.. queues.Order(StringComparer.Ordinal)];
    }

    private static bool IsToFeed(BrokerBinding binding) => binding.IsToQueue && binding.Destination == FeedNotice.Queue;

    // By headers, a copy is attributed only if there is one queue that it can be of: the feed has the queue's own bindings.
    private bool Matches(BrokerBinding binding, IReadOnlyList<string> keys, bool isOnlyOne) => TypeOf(binding.Source) switch
    {
        "fanout" => true,
        "direct" => keys.Contains(binding.RoutingKey),
        "topic" => keys.Any(key => TopicPattern.Matches(binding.RoutingKey, key)),
        "headers" => isOnlyOne,
        _ => false,
    };

    private string TypeOf(string exchange) => _exchanges.GetValueOrDefault(exchange)?.Type ?? "";

    // The dead-letter queues that messages of an exchange may reach.
    private IReadOnlySet<string> Reached(string exchange) => _reached.GetOrAdd(exchange, start =>
        Through(start).SelectMany(next => _from[next]).Where(binding => binding.IsToQueue && _queues.Contains(binding.Destination)).Select(binding => binding.Destination).ToHashSet());

    // The exchange, and those that its messages may pass.
    private HashSet<string> Through(string exchange)
    {
        var (seen, next) = (new HashSet<string> { exchange }, new Queue<string>([exchange]));
        while (next.TryDequeue(out var current))
        {
            var exchanges = _from[current].Where(binding => !binding.IsToQueue).Select(binding => binding.Destination);
            if (_exchanges.GetValueOrDefault(current)?.Alternate is { } alternate)
                exchanges = exchanges.Append(alternate);
            foreach (var destination in exchanges.Where(seen.Add))
                next.Enqueue(destination);
        }
        return seen;
    }
}
