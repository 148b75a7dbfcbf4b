using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace WorkinIt.DeadLetters;

/// <summary>
/// Shows the shape of a message without what people typed: strings become their first character and an ellipsis. Ids, times and
/// addresses of queues stay, for they are what an operator looks for.
/// </summary>
public static class Masking
{
    private static readonly JsonSerializerOptions _pretty = new() { WriteIndented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>Masks the strings in a JSON text.</summary>
    /// <param name="json">Valid JSON.</param>
    public static string Json(string json) => Envelope.Readable(Masked(JsonNode.Parse(json))?.ToJsonString(_pretty) ?? "null");

    /// <summary>Masks one text.</summary>
    /// <param name="text">The text.</param>
    public static string Text(string text)
    {
        if (IsTelling(text))
            return text;
        var at = text.IndexOf('@', StringComparison.Ordinal);
        return at > 0 && !text.Contains(' ', StringComparison.Ordinal) ? $"{First(text)}…@{First(text[(at + 1)..])}…" : $"{First(text)}…";
    }

    /// <summary>Takes e-mail addresses out of a sentence, such as an exception's message.</summary>
    /// <param name="text">The sentence.</param>
    public static string Addresses(string text) => Cause.Addresses().Replace(text, found => Text(found.Value));

    private static JsonNode? Masked(JsonNode? node) => node switch
    {
        JsonObject properties => new JsonObject(properties.Select(property => KeyValuePair.Create(property.Key, Masked(property.Value)))),
        JsonArray items => new JsonArray([.. items.Select(Masked)]),
        JsonValue value when value.GetValueKind() == JsonValueKind.String => JsonValue.Create(Text(value.GetValue<string>())),
        JsonValue value => value.DeepClone(),
        _ => null,
    };

    private static bool IsTelling(string text) =>
        text.Length == 0 || Guid.TryParse(text, out _)
        || (text.Length >= 8 && char.IsDigit(text[0]) && text.Contains('-', StringComparison.Ordinal) && DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, out _));

    private static string First(string text) => text.Length == 0 ? "" : text.EnumerateRunes().First().ToString();
}
