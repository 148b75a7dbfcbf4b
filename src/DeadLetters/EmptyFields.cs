using System.Buffers.Binary;
using RabbitMQ.Client;

namespace WorkinIt.DeadLetters;

/// <summary>
/// Empty tables and arrays within a message's headers. RabbitMQ.Client reads both as null, which it then writes as void: a message that is moved would
/// be changed. So before it reads them they become a value of the same five bytes that the broker takes from nobody, and afterwards what they were.
/// </summary>
internal static class EmptyFields
{
    private const int ContentHeader = 2; // the type of a frame
    private const int FrameHeader = 7;
    private const int FieldsOfHeader = 14; // class, weight, size of the body, flags
    private const ushort HasContentType = 1 << 15;
    private const ushort HasContentEncoding = 1 << 14;
    private const ushort HasHeaders = 1 << 13;

    // Neither is a number. A sender's can't be one of them: RabbitMQ refuses such values (541).
    private const int Table = 0x7FE5A0F1;
    private const int Array = 0x7FE5A0A1;

    /// <summary>Whether a frame is one that has headers.</summary>
    public static bool HasProperties(ReadOnlySpan<byte> frameHeader) => frameHeader[0] == ContentHeader;

    /// <summary>Marks them in a frame.</summary>
    /// <param name="frame">A content header, complete.</param>
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

    /// <summary>What was marked is again what it was.</summary>
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

    /// <returns>The value's length, with its type.</returns>
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
            default: // void, and what is not known: the client tells of that
                return value[0] == 'V' ? 1 : value.Length;
        }
    }

    private static int Length(ReadOnlySpan<byte> field) => (int)BinaryPrimitives.ReadUInt32BigEndian(field);
}
