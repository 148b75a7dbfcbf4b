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
    public static Amqp10Body? InHeader(string name, object? value)
    {
        var bytes = !name.StartsWith(HeaderPrefix, StringComparison.Ordinal) ? null : value is BinaryTableValue binary ? binary.Bytes : value as byte[];
        return bytes is null ? null : Read(bytes, _ => true);
    }

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
        return sections == 1 ? json.WrittenMemory[1..^1] : json.WrittenMemory;
    }
}
