using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Json;

namespace WorkinIt.DeadLetters;

/// <summary>
/// Reads encoded AMQP 1.0 values (OASIS AMQP 1.0, part 1: types) and writes them as JSON. Any sender may have written the bytes: nothing is allocated by a declared
/// size or count, and depth and number of values are limited. AMQPNetLite 2.5.5 has such limits too, but can't show every message as it is: it refuses a map
/// with a key twice and an array of described values, and replaces times that are out of range and text that is not UTF-8.
/// </summary>
/// <param name="bytes">The encoded values, one after the other.</param>
internal ref partial struct Amqp10Reader(ReadOnlySpan<byte> bytes)
{
    /// <summary>The deepest nesting. Each level is one of JSON, which the pages print to a depth of 256.</summary>
    public const int Deepest = 128;

    /// <summary>The most values. An array of values without bytes, such as null, may declare billions in ten bytes.</summary>
    public const int MostValues = 1_000_000;

    private Amqp10Bytes _bytes = new(bytes);
    private int _depth;
    private int _values;
    private bool _isInKey;

    /// <summary>Whether all bytes were read.</summary>
    public readonly bool IsAtEnd => _bytes.Left == 0;

    /// <summary>Reads one value.</summary>
    /// <param name="writer">Receives it.</param>
    /// <exception cref="FormatException">The bytes are not a value; the message says why.</exception>
    public void ReadValue(Utf8JsonWriter writer) => ReadValue(_bytes.Byte(), writer);

    private void ReadValue(byte format, Utf8JsonWriter writer)
    {
        CountValue();
        switch (format)
        {
            case Amqp10Format.Described:
                ReadDescribed(writer);
                break;
            case Amqp10Format.List0 or Amqp10Format.List8 or Amqp10Format.List32:
                ReadList(format, writer);
                break;
            case Amqp10Format.Map8 or Amqp10Format.Map32:
                ReadMap(format, writer);
                break;
            case Amqp10Format.Array8 or Amqp10Format.Array32:
                ReadArray(format, writer);
                break;
            default:
                Amqp10Scalar.Read(format, _bytes.Scalar(format)).Write(writer);
                break;
        }
    }

    private void ReadDescribed(Utf8JsonWriter writer)
    {
        Deeper();
        writer.WriteStartObject();
        writer.WritePropertyName("descriptor");
        ReadValue(writer);
        writer.WritePropertyName("value");
        ReadValue(writer);
        writer.WriteEndObject();
        _depth--;
    }

    private void ReadList(byte format, Utf8JsonWriter writer)
    {
        var (count, left) = Enter(format);
        writer.WriteStartArray();
        for (var item = 0; item < count; item++)
            ReadValue(writer);
        writer.WriteEndArray();
        Leave(left);
    }

    // A key that occurs twice is written twice.
    private void ReadMap(byte format, Utf8JsonWriter writer)
    {
        var (count, left) = Enter(format);
        if (count % 2 != 0)
            throw new FormatException("a map has a key without a value");
        writer.WriteStartObject();
        for (var pair = 0; pair < count / 2; pair++)
        {
            writer.WritePropertyName(ReadKey());
            ReadValue(writer);
        }
        writer.WriteEndObject();
        Leave(left);
    }

    // The elements have one constructor. If they are described, it is written once: the descriptor may be long, and the elements many.
    private void ReadArray(byte format, Utf8JsonWriter writer)
    {
        var (count, left) = Enter(format);
        var element = _bytes.Byte();
        var isDescribed = element == Amqp10Format.Described;
        if (isDescribed)
        {
            writer.WriteStartObject();
            writer.WritePropertyName("descriptor");
            ReadValue(writer);
            writer.WritePropertyName("values");
            element = _bytes.Byte();
            if (element == Amqp10Format.Described)
                throw new FormatException("the elements of an array are described twice");
        }
        writer.WriteStartArray();
        for (uint number = 0; number < count; number++)
            ReadValue(element, writer);
        writer.WriteEndArray();
        if (isDescribed)
            writer.WriteEndObject();
        Leave(left);
    }

    // A key that is not a scalar is its JSON as text. Within such a key there is not another one: each would escape the quotes of the one before.
    private string ReadKey()
    {
        var format = _bytes.Byte();
        if (format is not Amqp10Format.Described and not Amqp10Format.List0 and < Amqp10Format.List8)
        {
            CountValue();
            return Amqp10Scalar.Read(format, _bytes.Scalar(format)).Text;
        }
        if (_isInKey)
            throw new FormatException("the key of a map has a map with such a key in it");
        var json = new ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(json, Amqp10Body.JsonOptions))
        {
            _isInKey = true;
            ReadValue(format, writer);
            _isInKey = false;
        }
        return Encoding.UTF8.GetString(json.WrittenSpan);
    }

    // How many items a list, map or array declares, and how many bytes must be left after them.
    private (uint Count, int Left) Enter(byte format)
    {
        Deeper();
        if (format == Amqp10Format.List0)
            return (0, _bytes.Left);
        var isWide = format is Amqp10Format.List32 or Amqp10Format.Map32 or Amqp10Format.Array32;
        var size = isWide ? _bytes.UInt32() : _bytes.Byte();
        if (size > _bytes.Left)
            throw Amqp10Bytes.Short();
        var left = _bytes.Left - (int)size;
        return (isWide ? _bytes.UInt32() : _bytes.Byte(), left);
    }

    private void Leave(int left)
    {
        if (_bytes.Left != left)
            throw new FormatException("the size of a list, map or array is not that of its values");
        _depth--;
    }

    private void CountValue()
    {
        if (++_values > MostValues)
            throw new FormatException($"it has more than {MostValues.ToString("N0", CultureInfo.InvariantCulture)} values");
    }

    private void Deeper()
    {
        if (++_depth > Deepest)
            throw new FormatException($"it is nested deeper than {Deepest} levels");
    }
}
