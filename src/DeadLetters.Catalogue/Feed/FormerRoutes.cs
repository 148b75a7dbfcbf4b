using System.Text.Json;

namespace WorkinIt.DeadLetters.Catalogue.Feed;

/// <summary>
/// Remembers the bindings that led to dead-letter queues. When a queue or a binding is deleted, copies of what was published through it may still
/// be in the feed: they belong to that queue. A former binding is forgotten an hour after the feed was last bound that way, if the feed is empty: some
/// copies may still be on their way from the broker to the host when the queue looks empty.
/// </summary>
internal sealed class FormerRoutes
{
    private static readonly TimeSpan _remembered = TimeSpan.FromHours(1);

    private readonly Dictionary<string, IReadOnlyList<Route>> _known = [];
    private readonly HashSet<(string Queue, Route Route)> _former = [];
    private readonly Dictionary<(string Queue, Route Route), DateTimeOffset> _unbound = [];

    /// <summary>The bindings to a queue, as <see cref="Load"/> reads them; empty if there is none.</summary>
    public string Of(string queue) => _known.GetValueOrDefault(queue) is { Count: > 0 } routes ? JsonSerializer.Serialize(routes) : "";

    /// <summary>The bindings that led to a queue when an earlier host looked.</summary>
    public void Load(string queue, string routes)
    {
        if (routes.Length > 0)
            _known[queue] = JsonSerializer.Deserialize<IReadOnlyList<Route>>(routes)!;
    }

    /// <summary>Compares the bindings with those of the last call.</summary>
    /// <param name="exchanges">All exchanges of the virtual host.</param>
    /// <param name="bindings">All bindings of the virtual host.</param>
    /// <param name="queues">The dead-letter queues.</param>
    /// <param name="names">Which names dead-letter queues have.</param>
    /// <returns>The routes as they are together with the former ones; null if there are no former ones.</returns>
    public FeedRoutes? Update(IReadOnlyCollection<BrokerExchange> exchanges, IReadOnlyCollection<BrokerBinding> bindings, IReadOnlyCollection<string> queues, DeadLetterQueueNames names)
    {
        var types = exchanges.ToDictionary(exchange => exchange.Name, exchange => exchange.Type);
        var current = bindings.Where(binding => binding.IsToQueue && binding.Source.Length > 0).ToLookup(binding => binding.Destination, binding => Route.Of(binding, types));
        foreach (var queue in _known.Keys.Union(queues).ToList())
        {
            var now = queues.Contains(queue) ? current[queue].ToList() : [];
            _former.UnionWith(_known.GetValueOrDefault(queue, []).Except(now).Select(route => (queue, route)));
            foreach (var one in now.Select(route => (queue, route)))
            {
                _former.Remove(one);
                _unbound.Remove(one);
            }
            _known[queue] = now;
            if (now.Count == 0)
                _known.Remove(queue);
        }
        // Without a memory, a binding of the feed that leads to no dead-letter queue is one of MassTransit's, whose exchanges have the queues' names.
        var used = queues.SelectMany(queue => current[queue]).Select(route => route.Exchange).Concat(_former.Select(one => one.Route.Exchange)).ToHashSet();
        _former.UnionWith(current[FeedNotice.Queue].Where(route => !used.Contains(route.Exchange) && names.Contains(route.Exchange)).Select(route => (route.Exchange, route)));
        if (_former.Count == 0)
            return null;
        return new FeedRoutes(
            exchanges.Concat(_former.Where(one => !types.ContainsKey(one.Route.Exchange)).Select(one => one.Route.ToExchange()).DistinctBy(exchange => exchange.Name)),
            [.. bindings, .. _former.Select(one => one.Route.ToBinding(one.Queue))], queues.Concat(_former.Select(one => one.Queue)).Distinct());
    }

    /// <summary>Forgets what can't have copies any more. Call it when the feed is empty.</summary>
    /// <param name="existing">The feed's bindings.</param>
    /// <param name="now">The time.</param>
    /// <returns>The queues whose former bindings are forgotten.</returns>
    public IReadOnlyList<string> Forget(IReadOnlySet<FeedBinding> existing, DateTimeOffset now)
    {
        foreach (var one in _former.Where(one => existing.Contains(one.Route.ToFeedBinding())))
            _unbound.Remove(one);
        var settled = _former.Where(one => !existing.Contains(one.Route.ToFeedBinding()) && !_unbound.TryAdd(one, now) && now - _unbound[one] >= _remembered).ToList();
        foreach (var one in settled)
        {
            _former.Remove(one);
            _unbound.Remove(one);
        }
        return [.. settled.Select(one => one.Queue).Distinct()];
    }

    /// <summary>A binding of a queue, with the type of its exchange.</summary>
    private sealed record Route(string Exchange, string Type, string RoutingKey, string Arguments)
    {
        public static Route Of(BrokerBinding binding, IReadOnlyDictionary<string, string> types)
        {
            var like = FeedBinding.Like(binding);
            return new Route(like.Exchange, types.GetValueOrDefault(like.Exchange, ""), like.RoutingKey, like.Arguments);
        }

        public FeedBinding ToFeedBinding() => new(Exchange, RoutingKey, Arguments);

        public BrokerExchange ToExchange() => new(Type, null, default) { Name = Exchange };

        public BrokerBinding ToBinding(string queue) => new(queue, "queue", RoutingKey) { Source = Exchange, Arguments = JsonElement.Parse(Arguments) };
    }
}
