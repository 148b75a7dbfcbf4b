using System.Collections.Concurrent;

namespace WorkinIt.Messaging;

/// <summary>
/// Records targets from which a message was just returned as unroutable. Without the management API, a missing binding can't be detected in any
/// other way.
/// </summary>
public sealed class TopologyProblems
{
    /// <summary>What an operator should do if something is missing.</summary>
    public const string Remedy = "run Consumers with --deploy-topology (running services continue without a restart)";

    private readonly ConcurrentDictionary<string, string> _open = new();

    /// <summary>One line for each target that accepts no messages now.</summary>
    public IReadOnlyCollection<string> Problems => [.. _open.Values];

    /// <summary>Records that a message was returned, or that its exchange is missing.</summary>
    /// <param name="target">The exchange, with the routing key if it decides about the queue.</param>
    /// <param name="reason">The broker's reply text.</param>
    public void Add(string target, string reason) => _open[target] = $"No queue receives messages sent to {target} ({reason}): {Remedy}";

    /// <summary>Records that a message arrived.</summary>
    /// <param name="target">The same value as for <see cref="Add"/>.</param>
    public void Clear(string target) => _open.TryRemove(target, out _);
}
