using System.Collections.Concurrent;

namespace WorkinIt.Messaging;

/// <summary>Where a message found no queue a moment ago: a missing binding can't be seen in any other way without the management API.</summary>
public sealed class TopologyProblems
{
    /// <summary>What an operator does about anything that is missing.</summary>
    public const string Remedy = "run Consumers with --deploy-topology (running services continue without a restart)";

    private readonly ConcurrentDictionary<string, string> _open = new();

    /// <summary>One line for each target that takes nothing now.</summary>
    public IReadOnlyCollection<string> Problems => [.. _open.Values];

    /// <summary>A message was returned, or its exchange is missing.</summary>
    /// <param name="target">The exchange, with the routing key where it decides.</param>
    /// <param name="reason">The broker's words.</param>
    public void Add(string target, string reason) => _open[target] = $"No queue takes what is sent to {target} ({reason}): {Remedy}";

    /// <summary>A message arrived there.</summary>
    /// <param name="target">As it was given to <see cref="Add"/>.</param>
    public void Clear(string target) => _open.TryRemove(target, out _);
}
