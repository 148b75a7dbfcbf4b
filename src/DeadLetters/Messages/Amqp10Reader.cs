using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Json;

namespace WorkinIt.DeadLetters;

/// <summary>
/// Reads encoded AMQP 1.0 values (OASIS AMQP 1.0, part 1: types) and writes them as JSON. Any sender may have written the bytes: nothing is allocated by a declared
/// size or count, and depth, number and length of values are limited. AMQPNetLite 2.5.5 has such limits too, but can't show every message as it is: it refuses a map
/// with a key twice and an array of described values, and replaces times that are out of range and text that is not UTF-8.
/// </summary>
/// <param name="bytes">The encoded values, one after the other.</param>
/// <param name="longest">The longest text or binary value, in bytes.</param>
internal ref partial struct Amqp10Reader(ReadOnlySpan<byte> bytes, int longest = Amqp10Reader.Longest)
{
    /// <summary>The deepest nesting. Each level is one of JSON, which the pages print to a depth of 256.</summary>
    public const int Deepest = 128;

    /// <summary>The longest text or binary value, in bytes. JSON can be written with texts up to 166,666,666 characters, and base64 is a third longer than the bytes.</summary>
    public const int Longest = 100_000_000;

    // How many values may have no bytes. An array of such values, for example null, may declare billions of them in ten bytes.
    private const int MostWithoutBytes = 1_000;

    private readonly int _mostValues = bytes.Length + MostWithoutBytes;
    private readonly int _longest = longest;
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
        if (writer.BytesCommitted + writer.BytesPending > 4L * _longest) // a symbol without a character is one byte in an array, and 13 in JSON
            throw new FormatException("its values are too long to be shown");
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
                ReadScalar(format).Write(writer);
                break;
        }
    }

    private Amqp10Scalar ReadScalar(byte format) => Amqp10Scalar.Read(format, ReadBytes(format));

    private ReadOnlySpan<byte> ReadBytes(byte format)
    {
        var bytes = _bytes.Scalar(format);
        return bytes.Length <= _longest ? bytes : throw TooLong();
    }

    private readonly FormatException TooLong() => new($"a value is longer than {_longest.ToString("N0", CultureInfo.InvariantCulture)} bytes");

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
            Deeper(); // an object with an array
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
        {
            writer.WriteEndObject();
            _depth--;
        }
        Leave(left);
    }

    // A key that is not a scalar is its JSON as text. Within such a key there is not another one: each would escape the quotes of the one before.
    private string ReadKey()
    {
        var format = _bytes.Byte();
        if (format is not Amqp10Format.Described and not Amqp10Format.List0 and < Amqp10Format.List8)
        {
            CountValue();
            return ReadScalar(format).Key;
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
        return json.WrittenCount <= _longest ? Encoding.UTF8.GetString(json.WrittenSpan) : throw TooLong();
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
        if (++_values > _mostValues)
            throw new FormatException("it declares far more values than it has bytes");
    }

    private void Deeper()
    {
        if (++_depth > Deepest)
            throw new FormatException($"it is nested deeper than {Deepest} levels");
    }
}
