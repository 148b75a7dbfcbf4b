using System.Text.Json;
using System.Text.Json.Serialization;

namespace WorkinIt.DeadLetters;

/// <summary>A virtual host as the management API describes it, at one time.</summary>
internal sealed record VirtualHostSnapshot
{
    /// <summary>The broker's version.</summary>
    public required Version Broker { get; init; }

    public required DeadLetterQueueNames Names { get; init; }

    /// <summary>The queues, without those of the console itself, which may lose what is in them.</summary>
    public required IReadOnlyList<BrokerQueue> Queues { get; init; }

    public IReadOnlyList<BrokerExchange> Exchanges { get; init; } = [];

    public IReadOnlyList<BrokerBinding> Bindings { get; init; } = [];

    /// <summary>The type of a queue that is declared without one; null or <c>undefined</c>: classic.</summary>
    public string? DefaultQueueType { get; init; }

    /// <summary>The policies; null if the user may not read them.</summary>
    public IReadOnlyList<NamedPolicy>? Policies { get; init; }

    /// <summary>The permissions in this virtual host of all users that do not administer the broker; null if the user may not read them.</summary>
    public IReadOnlyList<UserPermission>? Permissions { get; init; }

    /// <summary>The dead-letter queues, without those of discarded messages.</summary>
    public IEnumerable<BrokerQueue> DeadLetterQueues => Queues.Where(queue => Names.Contains(queue.Name) && !DeadLetterQueueNames.IsDiscarded(queue.Name));

    /// <summary>
    /// The queues that a replay goes to: those with a dead-letter queue, and those that get one with their first failed message, because they are consumed and
    /// have an exchange of the same name, as MassTransit declares them.
    /// </summary>
    public IEnumerable<BrokerQueue> Inputs
    {
        get
        {
            var inputs = DeadLetterQueues.Select(queue => Names.InputQueueOf(queue.Name)).ToHashSet(StringComparer.Ordinal);
            var exchanges = Exchanges.Select(exchange => exchange.Name).ToHashSet(StringComparer.Ordinal);
            return Queues.Where(queue => !queue.Exclusive && !Names.Contains(queue.Name) && (inputs.Contains(queue.Name) || (queue.Consumers > 0 && exchanges.Contains(queue.Name))));
        }
    }

    /// <summary>The input queue of a dead-letter queue; the name itself for another queue.</summary>
    public string InputOf(string queue) => Names.Contains(queue) ? Names.InputQueueOf(queue) : queue;

    /// <summary>Where a setting of a queue comes from, for a remedy: the argument, the policy's name, or both.</summary>
    /// <param name="queue">The queue.</param>
    /// <param name="setting">The name of the setting in a policy, such as <c>max-length</c>.</param>
    public static string OriginOf(BrokerQueue queue, string setting) =>
        !IsByPolicy(queue, setting) ? "argument of the queue"
        : IsByArgument(queue, setting) ? $"argument of the queue and {PolicyOf(queue)}" : PolicyOf(queue);

    /// <summary>The policies that apply to a queue, such as <c>policy limits</c>. The API shows their settings merged.</summary>
    public static string PolicyOf(BrokerQueue queue) =>
        string.Join(" or ", new[] { ("policy", queue.PolicyName), ("operator policy", queue.OperatorPolicyName) }.Where(one => one.Item2 is { Length: > 0 }).Select(one => $"{one.Item1} {one.Item2}"));

    /// <summary>Whether an argument of the queue sets it. It can't be changed.</summary>
    public static bool IsByArgument(BrokerQueue queue, string setting) => Has(queue.Arguments, "x-" + setting);

    /// <summary>Whether a policy sets it for the queue.</summary>
    public static bool IsByPolicy(BrokerQueue queue, string setting) => Has(queue.Policy, setting);

    private static bool Has(JsonElement element, string name) => element.ValueKind == JsonValueKind.Object && element.TryGetProperty(name, out _);
}

/// <summary>A policy of a virtual host.</summary>
internal sealed record NamedPolicy([property: JsonPropertyName("name")] string Name, [property: JsonPropertyName("definition")] JsonElement Definition)
{
    public string? Text(string setting) => JsonMember.TextOf(Definition, setting);
}

/// <summary>What a user may do in a virtual host: regular expressions of the names of queues and exchanges.</summary>
internal sealed record UserPermission(
    [property: JsonPropertyName("user")] string User,
    [property: JsonPropertyName("configure")] string Configure,
    [property: JsonPropertyName("write")] string Write,
    [property: JsonPropertyName("read")] string Read);
