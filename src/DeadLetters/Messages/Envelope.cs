using System.Buffers;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace WorkinIt.DeadLetters;

/// <summary>
/// Reads and edits MassTransit's JSON envelope. An edit changes one place and keeps the rest byte for byte. Property names are compared
/// case-insensitively, as in MassTransit.
/// </summary>
internal static partial class Envelope
{
    public const string ResponseAddress = "responseAddress";

    private const string ContentType = "application/vnd.masstransit+json";

    private static readonly JsonSerializerOptions _pretty = new() { WriteIndented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, MaxDepth = 300 };
    private static readonly JsonReaderOptions _reading = new() { MaxDepth = 256 };
    private static readonly JsonDocumentOptions _parsing = new() { MaxDepth = 256 };

    /// <summary>Whether one of MassTransit's serializers uses the content type. A MassTransit consumer can't read any other.</summary>
    public static bool IsReadable(string? contentType) => MediaType(contentType) is
        ContentType or "application/json" or "application/vnd.masstransit+xml" or "application/xml" or "application/vnd.masstransit+bson"
        or "application/vnd.masstransit+aes" or "application/vnd.masstransit.v2+aes" or "application/vnd.masstransit+msgpack";

    public static bool IsEnvelope(string? contentType) => MediaType(contentType) == ContentType;

    public static bool IsJson(string? contentType) => MediaType(contentType) is ContentType or "application/json";

    private static string? MediaType(string? contentType) => contentType?.Split(';')[0].Trim().ToLowerInvariant();

    /// <summary>Parses a body; null if it is not JSON.</summary>
    public static JsonDocument? TryParse(ReadOnlyMemory<byte> body)
    {
        try
        {
            return JsonDocument.Parse(WithoutMark(body), _parsing);
        }
        catch (JsonException)
        {
            return null;
        }
    }

    /// <summary>
    /// Indented JSON without escapes: the serializer escapes characters beyond 16 bits with any encoder, so they are unescaped here. If the JSON
    /// contains half a surrogate pair, such as an emoji cut in the middle, the serializer can't write it, and the JSON is returned unchanged.
    /// </summary>
    public static string Pretty(JsonElement element)
    {
        try
        {
            return Readable(JsonSerializer.Serialize(element, _pretty));
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or ArgumentException)
        {
            return element.GetRawText();
        }
    }

    public static string Readable(string json) => SurrogatePairs().Replace(json, static found => found.Groups[1].Success
        ? found.Value
        : new string([(char)Convert.ToInt32(found.Groups[2].Value, 16), (char)Convert.ToInt32(found.Groups[3].Value, 16)]));

    [GeneratedRegex(@"(\\\\)|\\u([dD][89abAB][0-9a-fA-F]{2})\\u([dD][c-fC-F][0-9a-fA-F]{2})", RegexOptions.CultureInvariant)]
    private static partial Regex SurrogatePairs();

    public static JsonElement? Property(JsonElement element, string name)
    {
        if (element.ValueKind == JsonValueKind.Object)
        {
            foreach (var property in element.EnumerateObject())
            {
                if (NameOf(property).Equals(name, StringComparison.OrdinalIgnoreCase))
                    return property.Value;
            }
        }
        return null;
    }

    /// <summary>The property's name; empty if it contains half a surrogate pair.</summary>
    private static string NameOf(JsonProperty property)
    {
        try
        {
            return property.Name;
        }
        catch (InvalidOperationException)
        {
            return "";
        }
    }

    private static string Text(ref Utf8JsonReader reader)
    {
        try
        {
            return reader.GetString()!;
        }
        catch (InvalidOperationException) // half a surrogate pair
        {
            return "";
        }
    }

    /// <summary>Whether the body is one JSON value and nothing else.</summary>
    public static bool IsValid(ReadOnlySpan<byte> body)
    {
        var reader = new Utf8JsonReader(WithoutMark(body), _reading);
        try
        {
            var any = false;
            while (reader.Read())
                any = true;
            return any;
        }
        catch (JsonException)
        {
            return false;
        }
    }

    /// <summary>Whether one of the texts or names in the JSON, without its escapes, satisfies a condition. Reads token by token, however large the JSON is.</summary>
    public static bool AnyText(ReadOnlySpan<byte> body, Func<string, bool> condition)
    {
        var reader = new Utf8JsonReader(WithoutMark(body), _reading);
        while (reader.Read())
        {
            if (reader.TokenType is JsonTokenType.String or JsonTokenType.PropertyName && condition(Text(ref reader)))
                return true;
        }
        return false;
    }

    public static bool HasMessage(ReadOnlySpan<byte> body) => Find(body, "message") is not null;

    /// <summary>The message within a JSON body: for an envelope its <c>message</c>, null if it has none; for anything else the complete body.</summary>
    public static ReadOnlyMemory<byte>? MessageIn(ReadOnlyMemory<byte> body, string? contentType)
    {
        body = WithoutMark(body);
        return !IsEnvelope(contentType) ? body : Find(body.Span, "message") is { } found ? body[found.Value..found.End] : null;
    }

    /// <summary>The URNs in <c>messageType</c>; empty if the body is not an envelope.</summary>
    public static IReadOnlyList<string> MessageTypes(ReadOnlySpan<byte> body)
    {
        if (Find(body, "messageType") is not { } found)
            return [];
        var types = new List<string>();
        var reader = new Utf8JsonReader(body[found.Value..found.End], _reading);
        while (reader.Read())
        {
            if (reader.TokenType == JsonTokenType.String && reader.CurrentDepth <= 1)
                types.Add(Text(ref reader));
        }
        return types;
    }

    /// <summary>The envelope without the redelivery count in its headers. With that count, a replay would start with no tries left.</summary>
    public static ReadOnlyMemory<byte> WithoutRedeliveryCount(ReadOnlyMemory<byte> body)
    {
        while (Find(body.Span, "headers", "MT-Redelivery-Count") is { } found)
            body = found.CutFrom(body.Span);
        return body;
    }

    /// <summary>The envelope without the address that the consumer would respond to.</summary>
    public static ReadOnlyMemory<byte> WithoutResponseAddress(ReadOnlyMemory<byte> body)
    {
        while (Find(body.Span, ResponseAddress) is { } found)
            body = found.CutFrom(body.Span);
        return body;
    }

    /// <summary>A text property of the envelope; null if it has none of that name.</summary>
    public static string? TextOf(ReadOnlySpan<byte> body, string name)
    {
        if (Find(body, name) is not { } found)
            return null;
        var reader = new Utf8JsonReader(body[found.Value..found.End], _reading);
        return reader.Read() && reader.TokenType == JsonTokenType.String && Text(ref reader) is { Length: > 0 } text ? text : null;
    }

    /// <summary>
    /// The text, number, true or false at a path; null if there is none, or an object or a list. The path <c>message</c> of a body that is not an envelope is
    /// the complete body, and it has no other properties.
    /// </summary>
    public static string? ValueAt(ReadOnlyMemory<byte> body, string? contentType, string[] path)
    {
        var json = WithoutMark(body.Span);
        if (!IsEnvelope(contentType))
        {
            if (!path[0].Equals("message", StringComparison.OrdinalIgnoreCase))
                return null;
            path = path[1..];
        }
        if (Find(json, path) is not { } found)
            return null;
        var reader = new Utf8JsonReader(json[found.Value..found.End], _reading);
        reader.Read();
        return reader.TokenType switch
        {
            JsonTokenType.String => Text(ref reader),
            JsonTokenType.Number or JsonTokenType.True or JsonTokenType.False => Encoding.UTF8.GetString(reader.ValueSpan),
            _ => null,
        };
    }

    /// <summary>The body with another <c>message</c>. If the body is not an envelope, it is replaced by the message.</summary>
    public static ReadOnlyMemory<byte> WithMessage(ReadOnlyMemory<byte> body, string? contentType, string message) => WithMessage(body, contentType, Encoding.UTF8.GetBytes(message));

    /// <summary>The body with another <c>message</c>. If the body is not an envelope, it is replaced by the message.</summary>
    public static ReadOnlyMemory<byte> WithMessage(ReadOnlyMemory<byte> body, string? contentType, byte[] message)
    {
        if (!IsEnvelope(contentType))
            return message;
        var envelope = WithoutMark(body);
        var found = Find(envelope.Span, "message") ?? throw new DeadLetterException(DeadLetterProblem.Refused, "The envelope has no message to edit");
        return (byte[])[.. body.Span[..(body.Length - envelope.Length + found.Value)], .. message, .. envelope.Span[found.End..]];
    }

    private static JsonPlace? Find(ReadOnlySpan<byte> body, params string[] path)
    {
        var reader = new Utf8JsonReader(body, _reading);
        try
        {
            return reader.Read() && reader.TokenType == JsonTokenType.StartObject ? FindIn(ref reader, path) : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private static JsonPlace? FindIn(ref Utf8JsonReader reader, string[] path, int depth = 0)
    {
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var name = (int)reader.TokenStartIndex;
            var isIt = Text(ref reader).Equals(path[depth], StringComparison.OrdinalIgnoreCase);
            reader.Read();
            if (isIt && depth == path.Length - 1)
            {
                var value = (int)reader.TokenStartIndex;
                reader.Skip();
                return new JsonPlace(name, value, (int)reader.BytesConsumed);
            }
            if (isIt && reader.TokenType == JsonTokenType.StartObject)
            {
                if (FindIn(ref reader, path, depth + 1) is { } found)
                    return found;
                continue; // at the end of that object
            }
            reader.Skip();
        }
        return null;
    }

    private static ReadOnlySpan<byte> WithoutMark(ReadOnlySpan<byte> body) => body.StartsWith("\uFEFF"u8) ? body[3..] : body;

    private static ReadOnlyMemory<byte> WithoutMark(ReadOnlyMemory<byte> body) => body.Span.StartsWith("\uFEFF"u8) ? body[3..] : body;
}
