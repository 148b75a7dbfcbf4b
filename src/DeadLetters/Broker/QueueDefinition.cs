using System.Text.Json;
using System.Text.Json.Serialization;

namespace WorkinIt.DeadLetters;

/// <content>Settings from arguments and policies.</content>
internal sealed partial record BrokerQueue
{
    /// <summary>The highest age of a queue's figures: the queue reports them every 5 s, and the management API collects them every 5 s.</summary>
    public static readonly TimeSpan OldestFigures = TimeSpan.FromSeconds(10);

    private static readonly Version _firstConsumerTimeout = new(3, 12); // of a queue

    [JsonPropertyName("durable")]
    public bool Durable { get; init; } = true;

    [JsonPropertyName("auto_delete")]
    public bool AutoDelete { get; init; }

    /// <summary>The policy that applies to it; null or empty if none does.</summary>
    [JsonPropertyName("policy")]
    public string? PolicyName { get; init; }

    /// <summary>The operator policy that applies to it; null or empty if none does.</summary>
    [JsonPropertyName("operator_policy")]
    public string? OperatorPolicyName { get; init; }

    /// <summary>Counts of deliveries and their rates; not an object before the first message.</summary>
    [JsonPropertyName("message_stats")]
    public JsonElement Statistics { get; init; }

    /// <summary>Events per second in the last seconds, such as of <c>redeliver</c> or <c>ack</c>; 0 if there were none.</summary>
    public double Rate(string @event) =>
        Statistics.ValueKind == JsonValueKind.Object && Statistics.TryGetProperty(@event + "_details", out var details)
        && details.ValueKind == JsonValueKind.Object && details.TryGetProperty("rate", out var rate) && rate.TryGetDouble(out var number) ? number : 0;

    /// <summary>
    /// The delivery limit that applies: the lower one of the queue's argument and a policy. From RabbitMQ 4.0 on, a negative one means "unlimited", and the
    /// other one applies. Seen on 3.10.8 and 4.3.6.
    /// </summary>
    /// <param name="broker">The broker's version.</param>
    /// <returns>Null if neither sets one.</returns>
    public long? DeliveryLimitOn(Version broker)
    {
        var (own, policy) = (Number(Arguments, "x-delivery-limit"), Number(Policy, "delivery-limit"));
        return broker.Major >= 4 && own is { } one && policy is { } other && Math.Min(one, other) < 0 ? Math.Max(one, other) : Limit("delivery-limit");
    }

    /// <summary>What to do so that a message may be returned more often. A policy can't raise a limit that is an argument, because the lower one applies.</summary>
    /// <param name="broker">The broker's version.</param>
    public string MoreReturnsAdviceOn(Version broker) =>
        IsAssumed ? "Raise its delivery-limit with a policy, which has no effect if the queue has a lower x-delivery-limit as an argument"
        : Own("delivery-limit") is { } own && own == DeliveryLimitOn(broker) ? "Its limit is an argument, which no policy can raise: move its messages with a shovel to a queue without a limit"
        : "Raise its delivery-limit with a policy";

    /// <summary>
    /// How long a consumer may hold a message: the shorter time of the queue's argument and a policy. RabbitMQ before 3.12 takes the argument and ignores it.
    /// Seen on 3.10.8 and 4.3.6.
    /// </summary>
    /// <param name="broker">The broker's version.</param>
    /// <returns>Null if only the broker's own setting applies.</returns>
    public TimeSpan? ConsumerTimeoutOn(Version broker) =>
        broker >= _firstConsumerTimeout && Limit("consumer-timeout") is > 0 and var milliseconds ? TimeSpan.FromMilliseconds(milliseconds) : null;

    /// <summary>
    /// What happens to a message that does not fit; null: the default, drop-head. If the argument and a policy differ, a classic queue follows its argument,
    /// and a quorum queue the policy. Seen on 3.10.8 and 4.3.6.
    /// </summary>
    public string? Overflow => (Type, Texts("overflow")) switch
    {
        ("quorum", [.., var policy]) => policy,
        (_, [var own, ..]) => own,
        _ => null,
    };

    /// <summary>
    /// Whether the queue keeps a message that its dead-letter exchange can't route (the strategy at-least-once, which needs a quorum queue with the overflow
    /// reject-publish); otherwise such a message is deleted. If the argument and a policy differ, the strategy of the argument applies. Seen on 3.10.8 and 4.3.6.
    /// </summary>
    public bool KeepsUnroutable => Type == "quorum" && Overflow == "reject-publish" && Texts("dead-letter-strategy") is ["at-least-once", ..];

    /// <summary>A number that the queue's argument (with x-) sets; null if it sets none.</summary>
    public long? Own(string name) => Number(Arguments, "x-" + name);

    /// <summary>A number that the queue's argument (with x-) or a policy sets; the lower one if both do.</summary>
    public long? Limit(string name)
    {
        var (own, policy) = (Number(Arguments, "x-" + name), Number(Policy, name));
        return own is null || policy < own ? policy : own;
    }

    /// <summary>The texts that the queue's argument (with x-) and a policy set, the argument first.</summary>
    public IReadOnlyList<string> Texts(string name) => [.. new[] { JsonMember.TextOf(Arguments, "x-" + name), JsonMember.TextOf(Policy, name) }.OfType<string>()];
}

/// <summary>An exchange as the management API reports it.</summary>
internal sealed record BrokerExchange(
    [property: JsonPropertyName("type")] string Type,
    [property: JsonPropertyName("policy")] string? PolicyName,
    [property: JsonPropertyName("arguments")] JsonElement Arguments)
{
    [JsonPropertyName("name")]
    public string Name { get; init; } = "";

    /// <summary>The type that it routes by; an exchange that delays has another type underneath.</summary>
    public string Kind => Type == "x-delayed-message" ? JsonMember.TextOf(Arguments, "x-delayed-type") ?? Type : Type;

    public string? Alternate => JsonMember.TextOf(Arguments, "alternate-exchange");
}

/// <summary>A policy as the management API reports it.</summary>
internal sealed record BrokerPolicy([property: JsonPropertyName("definition")] JsonElement Definition)
{
    public string? Text(string name) => JsonMember.TextOf(Definition, name);
}

/// <summary>Reads texts from an element that is an object, or an empty list if there is nothing to report.</summary>
internal static class JsonMember
{
    public static string? TextOf(JsonElement element, string name) =>
        element.ValueKind == JsonValueKind.Object && element.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;
}
