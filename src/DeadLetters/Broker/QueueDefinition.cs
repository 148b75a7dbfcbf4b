using System.Text.Json;
using System.Text.Json.Serialization;

namespace WorkinIt.DeadLetters;

/// <content>Settings from arguments and policies.</content>
internal sealed partial record BrokerQueue
{
    /// <summary>The highest age of a queue's figures: the queue reports them every 5 s, and the management API collects them every 5 s.</summary>
    public static readonly TimeSpan OldestFigures = TimeSpan.FromSeconds(10);

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
