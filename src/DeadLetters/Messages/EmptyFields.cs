using System.Buffers.Binary;
using RabbitMQ.Client;

namespace WorkinIt.DeadLetters;

/// <summary>
/// Preserves empty tables and arrays in a message's headers. RabbitMQ.Client reads both as null, and writes null as void, so moving a message would
/// change it. Before the client reads a frame, they are replaced with a value of the same five bytes that the broker accepts from no sender.
/// Afterwards they are restored.
/// </summary>
internal static class EmptyFields
{
    private const int ContentHeader = 2; // the frame type
    private const int FrameHeader = 7;
    private const int FieldsOfHeader = 14; // class, weight, body size, flags
    private const ushort HasContentType = 1 << 15;
    private const ushort HasContentEncoding = 1 << 14;
    private const ushort HasHeaders = 1 << 13;

    // Both are NaN. A sender's value can't be one of them, because RabbitMQ refuses such values (541).
    private const int Table = 0x7FE5A0F1;
    private const int Array = 0x7FE5A0A1;

    /// <summary>Whether a frame contains message properties.</summary>
    public static bool HasProperties(ReadOnlySpan<byte> frameHeader) => frameHeader[0] == ContentHeader;

    /// <summary>Replaces empty tables and arrays in a frame with markers.</summary>
    /// <param name="frame">A complete content header frame.</param>
    public static void Mark(Span<byte> frame)
    {
        var payload = frame[FrameHeader..^1];
        if (payload.Length < FieldsOfHeader)
            return;
        var flags = BinaryPrimitives.ReadUInt16BigEndian(payload[12..]);
        var rest = payload[FieldsOfHeader..];
        if ((flags & HasContentType) != 0)
            rest = rest[(1 + rest[0])..];
        if ((flags & HasContentEncoding) != 0)
            rest = rest[(1 + rest[0])..];
        if ((flags & HasHeaders) != 0)
            MarkTable(rest.Slice(4, Length(rest)));
    }

    /// <summary>Replaces the markers with the original empty tables and arrays.</summary>
    /// <param name="properties">A message's properties.</param>
    public static BasicProperties Restore(IReadOnlyBasicProperties properties)
    {
        var restored = new BasicProperties(properties);
        if (restored.Headers is { } headers)
            restored.Headers = headers.ToDictionary(header => header.Key, header => Restored(header.Value));
        return restored;
    }

    private static object? Restored(object? value) => value switch
    {
        float number when BitConverter.SingleToInt32Bits(number) == Table => new Dictionary<string, object?>(),
        float number when BitConverter.SingleToInt32Bits(number) == Array => new List<object?>(),
        IDictionary<string, object?> table => table.ToDictionary(field => field.Key, field => Restored(field.Value)),
        List<object?> items => items.ConvertAll(Restored),
        _ => value,
    };

    private static void MarkTable(Span<byte> fields)
    {
        while (fields.Length > 0)
        {
            fields = fields[(1 + fields[0])..]; // the name
            fields = fields[MarkValue(fields)..];
        }
    }

    private static void MarkArray(Span<byte> items)
    {
        while (items.Length > 0)
            items = items[MarkValue(items)..];
    }

    /// <returns>The value's length, including its type.</returns>
    private static int MarkValue(Span<byte> value)
    {
        switch ((char)value[0])
        {
            case 'F' or 'A' when Length(value[1..]) == 0:
                BinaryPrimitives.WriteInt32BigEndian(value[1..], value[0] == 'F' ? Table : Array);
                value[0] = (byte)'f';
                return 5;
            case 'F':
                MarkTable(value.Slice(5, Length(value[1..])));
                return 5 + Length(value[1..]);
            case 'A':
                MarkArray(value.Slice(5, Length(value[1..])));
                return 5 + Length(value[1..]);
            case 'S' or 'x':
                return 5 + Length(value[1..]);
            case 't' or 'b' or 'B':
                return 2;
            case 's' or 'u':
                return 3;
            case 'I' or 'i' or 'f':
                return 5;
            case 'D':
                return 6;
            case 'l' or 'L' or 'd' or 'T':
                return 9;
            default: // void, or an unknown type, for which the client reports an error
                return value[0] == 'V' ? 1 : value.Length;
        }
    }

    private static int Length(ReadOnlySpan<byte> field) => (int)BinaryPrimitives.ReadUInt32BigEndian(field);
}
