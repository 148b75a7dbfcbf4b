using System.Text.Json;
using System.Text.Json.Serialization;
using Refit;

namespace WorkinIt.DeadLetters;

/// <summary>What we use of RabbitMQ's management API. Source: rabbitmq.com/docs/http-api-reference.</summary>
internal interface IManagementApi
{
    [Get("/api/queues/{virtualHost}")]
    Task<ApiResponse<IReadOnlyList<BrokerQueue>>> QueuesAsync(string virtualHost, CancellationToken cancellationToken);

    [Get("/api/queues/{virtualHost}/{queue}")]
    Task<ApiResponse<BrokerQueue>> QueueAsync(string virtualHost, string queue, CancellationToken cancellationToken);

    [Get("/api/exchanges/{virtualHost}/{exchange}/bindings/destination")]
    Task<ApiResponse<IReadOnlyList<BrokerBinding>>> BindingsToAsync(string virtualHost, string exchange, CancellationToken cancellationToken);
}

/// <summary>A queue as the management API tells it. Its counts may be 5 seconds old, and are missing in the first seconds of a queue.</summary>
internal sealed record BrokerQueue(
    [property: JsonPropertyName("name")] string Name,
    [property: JsonPropertyName("type")] string? Type,
    [property: JsonPropertyName("exclusive")] bool Exclusive,
    [property: JsonPropertyName("messages")] long Messages,
    [property: JsonPropertyName("messages_ready")] long Ready,
    [property: JsonPropertyName("messages_unacknowledged")] long Unacknowledged,
    [property: JsonPropertyName("message_bytes")] long Bytes,
    [property: JsonPropertyName("consumers")] int Consumers,
    [property: JsonPropertyName("arguments")] JsonElement Arguments,
    [property: JsonPropertyName("effective_policy_definition")] JsonElement Policy)
{
    public string? Text(string argument) =>
        Arguments.ValueKind == JsonValueKind.Object && Arguments.TryGetProperty(argument, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;

    /// <summary>Of the queue's own argument and a policy the lower limit counts.</summary>
    public long? DeliveryLimit
    {
        get
        {
            var limits = new[] { Number(Arguments, "x-delivery-limit"), Number(Policy, "delivery-limit") }.Where(limit => limit is not null).ToArray();
            return limits.Length == 0 ? null : limits.Min();
        }
    }

    private static long? Number(JsonElement element, string name) =>
        element.ValueKind == JsonValueKind.Object && element.TryGetProperty(name, out var value) && value.TryGetInt64(out var number) ? number : null;
}

internal sealed record BrokerBinding(
    [property: JsonPropertyName("source")] string Source,
    [property: JsonPropertyName("destination")] string Destination);
