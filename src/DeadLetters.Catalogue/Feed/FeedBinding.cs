using System.Text.Json;

namespace WorkinIt.DeadLetters.Catalogue.Feed;

/// <summary>A binding of the feed queue. It equals the binding of a dead-letter queue, so both get the same messages.</summary>
/// <param name="Exchange">The exchange.</param>
/// <param name="RoutingKey">The routing key.</param>
/// <param name="Arguments">The arguments as JSON, as the management API shows them.</param>
internal sealed record FeedBinding(string Exchange, string RoutingKey, string Arguments)
{
    /// <summary>The feed's equivalent of a binding.</summary>
    public static FeedBinding Like(BrokerBinding binding) => new(
        binding.Source, binding.RoutingKey, binding.Arguments.ValueKind == JsonValueKind.Object ? Sorted(binding.Arguments) : "{}");

    /// <summary>The arguments as AMQP values: texts, 64-bit numbers, and truth values.</summary>
    public Dictionary<string, object?> ArgumentValues()
    {
        using var json = JsonDocument.Parse(Arguments);
        return json.RootElement.EnumerateObject().ToDictionary(argument => argument.Name, argument => Value(argument.Value));
    }

    private static string Sorted(JsonElement arguments) =>
        JsonSerializer.Serialize(arguments.EnumerateObject().OrderBy(argument => argument.Name, StringComparer.Ordinal).ToDictionary(argument => argument.Name, argument => argument.Value));

    private static object? Value(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.String => value.GetString(),
        JsonValueKind.Number => value.TryGetInt64(out var number) ? (object)number : value.GetDouble(),
        JsonValueKind.True => true,
        JsonValueKind.False => false,
        JsonValueKind.Array => value.EnumerateArray().Select(Value).ToList(),
        JsonValueKind.Object => value.EnumerateObject().ToDictionary(field => field.Name, field => Value(field.Value)),
        _ => null,
    };
}
