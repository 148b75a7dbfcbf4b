using System.Globalization;
using System.Text.Json;

namespace WorkinIt.DeadLetters;

/// <summary>Reads the sections of a message.</summary>
internal ref partial struct Amqp10Reader
{
    /// <summary>Reads the descriptor of a section.</summary>
    /// <exception cref="FormatException">It is not one.</exception>
    public Amqp10Section ReadSection()
    {
        CountValue();
        if (_bytes.Byte() != Amqp10Format.Described)
            throw new FormatException("it does not begin with a section");
        var format = _bytes.Byte();
        var descriptor = format is Amqp10Format.Null or Amqp10Format.List0 || format >= 0xc0 ? new Amqp10Scalar("", Amqp10Scalar.Kinds.Text) : ReadScalar(format);
        return Amqp10Section.Of(descriptor.Text) ?? throw new FormatException(Unknown(descriptor));
    }

    /// <summary>Reads bytes of any meaning: as text if they are text.</summary>
    /// <param name="writer">Receives the text, or the bytes in base64.</param>
    /// <exception cref="FormatException">It is another value; the message says why.</exception>
    public void ReadData(Utf8JsonWriter writer)
    {
        var format = _bytes.Byte();
        if (format is not (Amqp10Format.Binary8 or Amqp10Format.Binary32))
            throw new FormatException("its data is not binary");
        var bytes = ReadBytes(format);
        if (DeadLetterReading.TextOf(bytes) is { } text)
            writer.WriteStringValue(text);
        else
            Amqp10Scalar.Read(format, bytes).Write(writer);
    }

    /// <summary>Reads a list as an object with a name for each field.</summary>
    /// <param name="names">The names; a field without one gets its number.</param>
    /// <param name="writer">Receives the object, without the fields that are null.</param>
    /// <exception cref="FormatException">The bytes are not a list; the message says why.</exception>
    public void ReadFields(IReadOnlyList<string> names, Utf8JsonWriter writer)
    {
        var format = _bytes.Byte();
        if (format is not (Amqp10Format.List0 or Amqp10Format.List8 or Amqp10Format.List32))
            throw new FormatException("its fields are not a list");
        var (count, left) = Enter(format);
        writer.WriteStartObject();
        for (var field = 0; field < count; field++)
        {
            var value = _bytes.Byte();
            if (value == Amqp10Format.Null)
                continue;
            writer.WritePropertyName(field < names.Count ? names[field] : field.ToString(CultureInfo.InvariantCulture));
            ReadValue(value, writer);
        }
        writer.WriteEndObject();
        Leave(left);
    }

    // A name is the sender's own text: it may be personal, and as long as the message.
    private static string Unknown(Amqp10Scalar descriptor) =>
        descriptor.Kind == Amqp10Scalar.Kinds.Literal && ulong.TryParse(descriptor.Text, NumberStyles.None, CultureInfo.InvariantCulture, out _)
            ? $"its section {descriptor.Text} is unknown"
            : "its section is unknown";
}
