using System.Buffers.Binary;
using System.Globalization;
using System.Text;
using System.Text.Json;

namespace WorkinIt.DeadLetters;

/// <summary>A value of AMQP 1.0 that has no parts.</summary>
/// <param name="Text">The value as text.</param>
/// <param name="Kind">How JSON shows it.</param>
internal readonly record struct Amqp10Scalar(string Text, Amqp10Scalar.Kinds Kind)
{
    /// <summary>The name of the text of a symbol, in the object that marks it.</summary>
    public const string SymbolName = "symbol";

    /// <summary>The name of the base64 of a binary value, in the object that marks it.</summary>
    public const string BinaryName = "binary";

    private static readonly UTF8Encoding _utf8 = new(false, throwOnInvalidBytes: true);
    private static readonly UTF32Encoding _utf32 = new(bigEndian: true, false, throwOnInvalidCharacters: true);

    /// <summary>How JSON shows a value.</summary>
    internal enum Kinds
    {
        /// <summary>A string.</summary>
        Text,

        /// <summary>A number, true, false or null.</summary>
        Literal,

        /// <summary>An object with the string, so that a symbol is not taken for a string.</summary>
        Symbol,

        /// <summary>An object with the bytes in base64.</summary>
        Binary,
    }

    /// <summary>Reads a value.</summary>
    /// <param name="format">Its format code.</param>
    /// <param name="bytes">Its bytes, as many as the format code asks for.</param>
    /// <exception cref="FormatException">The type is unknown, or the bytes are not a value of it.</exception>
    public static Amqp10Scalar Read(byte format, ReadOnlySpan<byte> bytes) => format switch
    {
        0x40 => Literal("null"),
        0x41 => Literal("true"),
        0x42 => Literal("false"),
        0x43 or 0x44 => Literal("0"),
        0x56 => Literal(bytes[0] switch { 0 => "false", 1 => "true", _ => throw new FormatException("a boolean is neither true nor false") }),
        0x50 or 0x52 or 0x53 => Number(bytes[0]),
        0x51 or 0x54 or 0x55 => Number((sbyte)bytes[0]),
        0x60 => Number(BinaryPrimitives.ReadUInt16BigEndian(bytes)),
        0x61 => Number(BinaryPrimitives.ReadInt16BigEndian(bytes)),
        0x70 => Number(BinaryPrimitives.ReadUInt32BigEndian(bytes)),
        0x71 => Number(BinaryPrimitives.ReadInt32BigEndian(bytes)),
        0x80 => Number(BinaryPrimitives.ReadUInt64BigEndian(bytes)),
        0x81 => Number(BinaryPrimitives.ReadInt64BigEndian(bytes)),
        0x72 => BinaryPrimitives.ReadSingleBigEndian(bytes) is var number && float.IsFinite(number) ? Number(number) : OfText(number.ToString(CultureInfo.InvariantCulture)),
        0x82 => BinaryPrimitives.ReadDoubleBigEndian(bytes) is var number && double.IsFinite(number) ? Number(number) : OfText(number.ToString(CultureInfo.InvariantCulture)),
        0x74 => OfText(Amqp10Decimal.Text(bytes, exponentBits: 8)),
        0x84 => OfText(Amqp10Decimal.Text(bytes, exponentBits: 10)),
        0x94 => OfText(Amqp10Decimal.Text(bytes, exponentBits: 14)),
        0x73 => OfText(Decoded(_utf32, bytes)),
        0x83 => OfText(Time(BinaryPrimitives.ReadInt64BigEndian(bytes))),
        0x98 => OfText(new Guid(bytes, bigEndian: true).ToString()),
        0xa0 or 0xb0 => new(Convert.ToBase64String(bytes), Kinds.Binary),
        0xa1 or 0xb1 => OfText(Decoded(_utf8, bytes)),
        0xa3 or 0xb3 => new(Decoded(_utf8, bytes), Kinds.Symbol),
        _ => throw Amqp10Format.Unknown(format),
    };

    /// <summary>The value as a key. A binary one is marked, with a space: base64 alone looks like a name, and would not be masked.</summary>
    public string Key => Kind == Kinds.Binary ? $"{BinaryName} {Text}" : Text;

    /// <summary>The bytes of a binary key; null if it is another key.</summary>
    /// <param name="key">The key.</param>
    public static byte[]? BinaryKey(string key)
    {
        if (!key.StartsWith($"{BinaryName} ", StringComparison.Ordinal))
            return null;
        var bytes = new byte[key.Length];
        return Convert.TryFromBase64String(key[(BinaryName.Length + 1)..], bytes, out var length) ? bytes[..length] : null; // a text of the sender may begin with it, too
    }

    /// <summary>Writes the value.</summary>
    /// <param name="writer">Receives it.</param>
    public void Write(Utf8JsonWriter writer)
    {
        switch (Kind)
        {
            case Kinds.Literal:
                writer.WriteRawValue(Text, skipInputValidation: true);
                break;
            case Kinds.Text:
                writer.WriteStringValue(Text);
                break;
            default:
                writer.WriteStartObject();
                writer.WriteString(Kind == Kinds.Symbol ? SymbolName : BinaryName, Text);
                writer.WriteEndObject();
                break;
        }
    }

    private static Amqp10Scalar Literal(string text) => new(text, Kinds.Literal);

    private static Amqp10Scalar Number(IFormattable number) => Literal(number.ToString(null, CultureInfo.InvariantCulture));

    private static Amqp10Scalar OfText(string text) => new(text, Kinds.Text);

    // Milliseconds. A time outside the years 1 to 9999 is shown as its number.
    private static string Time(long milliseconds) =>
        milliseconds >= DateTimeOffset.MinValue.ToUnixTimeMilliseconds() && milliseconds <= DateTimeOffset.MaxValue.ToUnixTimeMilliseconds()
            ? DateTimeOffset.FromUnixTimeMilliseconds(milliseconds).ToString("yyyy-MM-ddTHH:mm:ss.fffZ", CultureInfo.InvariantCulture)
            : milliseconds.ToString(CultureInfo.InvariantCulture);

    private static string Decoded(Encoding encoding, ReadOnlySpan<byte> bytes)
    {
        try
        {
            return encoding.GetString(bytes);
        }
        catch (DecoderFallbackException e)
        {
            throw new FormatException($"a text is not {(encoding is UTF32Encoding ? "UTF-32" : "UTF-8")}", e);
        }
    }
}
