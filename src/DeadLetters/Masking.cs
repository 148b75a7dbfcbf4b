using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace WorkinIt.DeadLetters;

/// <summary>Hides personal data and leaves what tells messages apart: ids, numbers, times. What is not known to be harmless is hidden.</summary>
public static partial class Masking
{
    // The parts of MassTransit's envelope that the transport writes.
    private static readonly HashSet<string> _envelope = new(StringComparer.OrdinalIgnoreCase)
    {
        "messageId", "requestId", "correlationId", "conversationId", "initiatorId", "sourceAddress", "destinationAddress", "responseAddress",
        "faultAddress", "messageType", "expirationTime", "sentTime", "host",
    };

    private static readonly JsonSerializerOptions _pretty = new() { WriteIndented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, MaxDepth = 300 };
    private static readonly JsonDocumentOptions _parsing = new() { MaxDepth = 256 };

    /// <summary>JSON with each string masked; the whole of it where it is none, or none that can be taken apart.</summary>
    /// <param name="json">The JSON.</param>
    public static string Json(string json) => Try(() => Envelope.Readable(Masked(Parsed(json))?.ToJsonString(_pretty) ?? "null")) ?? Value(json);

    /// <summary>A whole body: of an envelope its message and its headers, of anything else all of it.</summary>
    /// <param name="body">The body.</param>
    /// <param name="isEnvelope">Whether it is MassTransit's envelope.</param>
    public static string Body(string body, bool isEnvelope)
    {
        return (isEnvelope ? Try(Members) : null) ?? Json(body);

        string? Members()
        {
            if (Parsed(body) is not JsonObject envelope)
                return null;
            var masked = new JsonObject();
            foreach (var (name, value) in envelope.ToList())
            {
                envelope.Remove(name);
                masked[name] = _envelope.Contains(name) ? value : Masked(value);
            }
            return Envelope.Readable(masked.ToJsonString(_pretty));
        }
    }

    /// <summary>A header's value: of those that MassTransit, the broker and a replay write, the addresses in it; of others all.</summary>
    /// <param name="name">The header.</param>
    /// <param name="value">Its value.</param>
    public static string Header(string name, string value) => IsKnown(name) ? Text(value) : Value(value);

    /// <summary>A text that an application wrote for an operator, such as an exception's message: the addresses in it.</summary>
    /// <param name="text">The text.</param>
    public static string Text(string text) => Address().Replace(text, match => AddressOf(match.Value));

    /// <summary>One value.</summary>
    /// <param name="value">The value.</param>
    public static string Value(string value) =>
        value.Length == 0 || IsHarmless(value) ? value
        : WholeAddress().IsMatch(value) ? AddressOf(value)
        : First(value) + "…";

    /// <summary>A filter as the audit has it: the words that were looked for may be somebody's.</summary>
    /// <param name="filter">The filter as text.</param>
    public static string Filter(string filter) => SearchedText().Replace(filter, match => "text=" + Value(match.Groups[1].Value));

    private static string AddressOf(string address)
    {
        var at = address.LastIndexOf('@');
        return $"{First(address[..at])}…@{First(address[(at + 1)..])}…";
    }

    private static string First(string text) => text.Length < 2 ? "" : StringInfo.GetNextTextElement(text);

    private static JsonNode? Masked(JsonNode? node) => node switch
    {
        JsonObject members => new JsonObject(members.Select((member, i) => KeyValuePair.Create(Key(member.Key, i), Masked(member.Value)))),
        JsonArray items => new JsonArray([.. items.Select(Masked)]),
        JsonValue value when value.GetValueKind() == JsonValueKind.String => JsonValue.Create(Value(value.GetValue<string>())),
        null => null,
        _ => node.DeepClone(),
    };

    // In a dictionary an address may be a key. The number keeps two that look the same apart.
    private static string Key(string key, int number) =>
        Text(key) is var masked && masked == key ? key : string.Create(CultureInfo.InvariantCulture, $"{masked} ({number + 1})");

    private static JsonNode? Parsed(string json) => JsonNode.Parse(json, documentOptions: _parsing);

    // A node is read when it is looked at, and not before: a name that comes twice is an ArgumentException then, half a character an InvalidOperationException.
    private static string? Try(Func<string?> mask)
    {
        try
        {
            return mask();
        }
        catch (Exception e) when (e is JsonException or ArgumentException or InvalidOperationException)
        {
            return null;
        }
    }

    private static bool IsKnown(string header) =>
        header.StartsWith("MT-", StringComparison.Ordinal) || header.StartsWith("x-", StringComparison.Ordinal)
        || header.StartsWith("Replay-", StringComparison.Ordinal) || header.StartsWith("Discarded-", StringComparison.Ordinal)
        || header is "Content-Type" or "publishId" or "traceparent";

    // A number that starts with 0 or + may be a telephone's.
    private static bool IsHarmless(string value) =>
        Guid.TryParse(value, out _)
        || bool.TryParse(value, out _)
        || Number().IsMatch(value)
        || Hash().IsMatch(value)
        || (Time().IsMatch(value) && DateTimeOffset.TryParse(value, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out DateTimeOffset _));

    [GeneratedRegex(@"[^\s<>@:;,""'()]+@[^\s<>@:;,""'()]*[^\s<>@:;,""'().]", RegexOptions.CultureInvariant)]
    private static partial Regex Address();

    [GeneratedRegex(@"^[^\s<>@:;,""'()]+@[^\s<>@:;,""'()]+$", RegexOptions.CultureInvariant)]
    private static partial Regex WholeAddress();

    [GeneratedRegex(@"^-?(0|[1-9]\d{0,18})(\.\d+)?$", RegexOptions.CultureInvariant)]
    private static partial Regex Number();

    [GeneratedRegex("^(?=.*[0-9])([0-9a-fA-F]{16,128}|[0-9A-HJKMNP-TV-Z]{26})$", RegexOptions.CultureInvariant)]
    private static partial Regex Hash();

    [GeneratedRegex(@"^(\d{4}-\d{2}-\d{2}([T ][\d:.]+(Z|[+-]\d{2}:?\d{2})?)?|\d+(\.\d+)?:\d{2}:\d{2}(\.\d+)?)$", RegexOptions.CultureInvariant)]
    private static partial Regex Time();

    [GeneratedRegex(@"\btext=(.*?)(?= type=| cause=| since=| until=| id=|$)", RegexOptions.CultureInvariant | RegexOptions.Singleline)]
    private static partial Regex SearchedText();
}
