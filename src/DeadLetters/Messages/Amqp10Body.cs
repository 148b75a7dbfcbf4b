using System.Buffers;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using RabbitMQ.Client;

namespace WorkinIt.DeadLetters;

/// <summary>
/// Sections of a message that an AMQP 1.0 client sent. AMQP 0-9-1 has no place for a body of values, so RabbitMQ gives a 0-9-1 consumer the encoded section as
/// the body, with the property <c>type</c> <see cref="Type"/>.
/// </summary>
/// <param name="Json">The sections as JSON; null if they are unreadable. Contains personal data.</param>
/// <param name="Problem">Why they are unreadable; null if they are not.</param>
internal sealed record Amqp10Body(ReadOnlyMemory<byte>? Json, string? Problem)
{
    /// <summary>The property <c>type</c> of a message whose body is an encoded section.</summary>
    public const string Type = "amqp-1.0";

    /// <summary>The headers in which RabbitMQ 3 keeps the other sections begin with this.</summary>
    public const string HeaderPrefix = "x-amqp-1.0-";

    /// <summary>The sections as text; null if they are unreadable. Contains personal data.</summary>
    public string? Text => Json is { } json ? Encoding.UTF8.GetString(json.Span) : null;

    /// <summary>Readable text: what is written is printed again, with its own escapes.</summary>
    public static JsonWriterOptions JsonOptions { get; } = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>The sections of a dead letter's body; null if its body is not one.</summary>
    public static Amqp10Body? Of(DeadLetter letter) =>
        letter.Properties.IsTypePresent() && letter.Properties.Type == Type && !letter.HasJson ? Read(letter.Body.Span, section => section.IsOfBody) : null;

    /// <summary>The sections in a header of RabbitMQ 3; null if it is another header.</summary>
    public static Amqp10Body? InHeader(string name, object? value) => BytesOf(name, value) is { } bytes ? Read(bytes, _ => true) : null;

    /// <summary>The texts in a binary header, which is shown in base64: its bytes as text; of a header of RabbitMQ 3 that its JSON shows, the binary values in it. Contains personal data.</summary>
    public static IEnumerable<string> HiddenTexts(string name, object? value) => BytesOf(name, value) is not { } bytes ? value is BinaryTableValue binary ? [Encoding.UTF8.GetString(binary.Bytes)] : []
        : Read(bytes, _ => true) is { Json: not null } sections ? sections.BinaryTexts()
        : [Encoding.UTF8.GetString(bytes)];

    /// <summary>The binary values as text, which JSON shows in base64. What is not text in them becomes replacement characters. Contains personal data.</summary>
    public IReadOnlyList<string> BinaryTexts()
    {
        var texts = new List<string>();
        if (Json is not { } json)
            return texts;
        var reader = new Utf8JsonReader(json.Span, new JsonReaderOptions { MaxDepth = 256 });
        while (reader.Read())
        {
            if (reader.TokenType != JsonTokenType.PropertyName)
                continue;
            if (Amqp10Scalar.BinaryKey(reader.GetString()!) is { } key)
                texts.Add(Encoding.UTF8.GetString(key));
            if (!reader.ValueTextEquals(Amqp10Scalar.BinaryName))
                continue;
            reader.Read();
            if (reader.TokenType == JsonTokenType.String && reader.TryGetBytesFromBase64(out var bytes)) // a key of the sender may have the name, too
                texts.Add(Encoding.UTF8.GetString(bytes));
        }
        return texts;
    }

    /// <summary>Whether a name is one of those with which an object marks the value in it.</summary>
    /// <param name="name">The name.</param>
    public static bool IsMark(string name) => name is Amqp10Scalar.SymbolName or Amqp10Scalar.BinaryName or "value" or "values" or "descriptor";

    /// <summary>The text of a value as the sections show it: a string, a symbol, or a binary value as text, also if it is described. Null if it is another value.</summary>
    /// <param name="value">The value in JSON.</param>
    public static string? TextOf(JsonElement value) =>
        value.ValueKind == JsonValueKind.String ? value.GetString()
        : value.ValueKind != JsonValueKind.Object ? null
        : value.TryGetProperty(Amqp10Scalar.SymbolName, out var symbol) && symbol.ValueKind == JsonValueKind.String ? symbol.GetString()
        : value.TryGetProperty(Amqp10Scalar.BinaryName, out var binary) && binary.ValueKind == JsonValueKind.String && binary.TryGetBytesFromBase64(out var bytes) ? Encoding.UTF8.GetString(bytes)
        : value.TryGetProperty("descriptor", out _) && value.TryGetProperty("value", out var described) ? TextOf(described)
        : null;

    private static byte[]? BytesOf(string name, object? value) =>
        !name.StartsWith(HeaderPrefix, StringComparison.Ordinal) ? null : value is BinaryTableValue binary ? binary.Bytes : value as byte[];

    private static Amqp10Body Read(ReadOnlySpan<byte> bytes, Func<Amqp10Section, bool> isAllowed)
    {
        if (bytes.IsEmpty)
            return new Amqp10Body(null, "it is empty");
        try
        {
            return new Amqp10Body(Written(new Amqp10Reader(bytes), isAllowed), null);
        }
        catch (FormatException e)
        {
            return new Amqp10Body(null, e.Message);
        }
    }

    // One section is an object, several are an array of them.
    private static ReadOnlyMemory<byte> Written(Amqp10Reader reader, Func<Amqp10Section, bool> isAllowed)
    {
        var json = new ArrayBufferWriter<byte>();
        using var writer = new Utf8JsonWriter(json, JsonOptions);
        var sections = 0;
        writer.WriteStartArray();
        for (; !reader.IsAtEnd; sections++)
        {
            var section = reader.ReadSection();
            if (!isAllowed(section))
                throw new FormatException($"a section {section.Name} is not part of a body");
            writer.WriteStartObject();
            writer.WritePropertyName(section.Name);
            if (section.IsData)
                reader.ReadData(writer);
            else if (section.Fields.Count > 0)
                reader.ReadFields(section.Fields, writer);
            else
                reader.ReadValue(writer);
            writer.WriteEndObject();
        }
        writer.WriteEndArray();
        writer.Flush();
        return (sections == 1 ? json.WrittenSpan[1..^1] : json.WrittenSpan).ToArray(); // without the spare room of the buffer: it is kept as long as the letter
    }
}
