using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace WorkinIt.DeadLetters;

/// <summary>A queue as the management API reports it. Its counts may be 5 seconds old, and are missing in the first seconds of a queue.</summary>
internal sealed partial record BrokerQueue(
    [property: JsonPropertyName("name")] string Name,
    [property: JsonPropertyName("type")] string? Type,
    [property: JsonPropertyName("exclusive")] bool Exclusive,
    [property: JsonPropertyName("messages")] long Messages,
    [property: JsonPropertyName("messages_ready")] long Ready,
    [property: JsonPropertyName("messages_unacknowledged")] long Unacknowledged,
    [property: JsonPropertyName("messages_delayed")] long Delayed,
    [property: JsonPropertyName("message_bytes")] long Bytes,
    [property: JsonPropertyName("consumers")] int Consumers,
    [property: JsonPropertyName("arguments")] JsonElement Arguments,
    [property: JsonPropertyName("effective_policy_definition")] JsonElement Policy)
{
    /// <summary>Whether its delivery limit could not be read, so that the lowest one is assumed.</summary>
    [JsonIgnore]
    public bool IsAssumed { get; init; }

    public string? Text(string argument) => Word(Arguments, argument);

    /// <summary>How long RabbitMQ 4.3's delayed retry hides a returned message, as text; null if it does not hide it.</summary>
    public string? HidesReturnedMessages => Type == "quorum" && (Text("x-delayed-retry-type") ?? Word(Policy, "delayed-retry-type")) is "all" or "returned"
        ? (Number(Arguments, "x-delayed-retry-min") ?? Number(Policy, "delayed-retry-min")) is { } delay
            ? string.Create(CultureInfo.InvariantCulture, $"for {TimeSpan.FromMilliseconds(delay).TotalSeconds:0.###} s or more")
            : "for a while"
        : null;

    /// <summary>
    /// How many messages delayed retry hides. In a queue that hides returned messages, every message that is not ready counts: an old figure still
    /// reports as unacknowledged the messages that the previous read returned, and a message that is unacknowledged now is still in the queue.
    /// </summary>
    /// <param name="ready">How many messages are ready now.</param>
    public long HiddenBeside(long ready) => HidesReturnedMessages is null ? Delayed : Math.Max(Delayed, Math.Max(0, Messages - ready));

    private static string? Word(JsonElement element, string name) =>
        element.ValueKind == JsonValueKind.Object && element.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;

    private static long? Number(JsonElement element, string name) =>
        element.ValueKind == JsonValueKind.Object && element.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.Number && value.TryGetInt64(out var number) ? number : null;
}
