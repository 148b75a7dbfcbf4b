using System.Text.Json;
using System.Text.Json.Serialization;

namespace WorkinIt.DeadLetters;

/// <summary>A binding as the management API reports it.</summary>
internal sealed record BrokerBinding(
    [property: JsonPropertyName("destination")] string Destination,
    [property: JsonPropertyName("destination_type")] string DestinationType,
    [property: JsonPropertyName("routing_key")] string RoutingKey)
{
    /// <summary>The exchange; empty for the default exchange.</summary>
    [JsonPropertyName("source")]
    public string Source { get; init; } = "";

    [JsonPropertyName("arguments")]
    public JsonElement Arguments { get; init; }

    [JsonIgnore]
    public bool IsToQueue => DestinationType == "queue";
}
