using System.Globalization;
using System.Text;
using RabbitMQ.Client;

namespace WorkinIt.DeadLetters;

/// <summary>
/// The size of a message's properties in AMQP 0-9-1. They must fit into one frame: on a larger one the broker closes the connection,
/// which ends everything else on that connection too.
/// </summary>
internal static class HeaderFrame
{
    private const int FixedSize = 7 + 1 + 14; // frame header and frame end; class, weight, body size and flags

    /// <summary>The size of the frame in bytes.</summary>
    public static long SizeOf(IReadOnlyBasicProperties properties)
    {
        long size = FixedSize;
        foreach (var text in Texts(properties))
            size += 1 + Encoding.UTF8.GetByteCount(text);
        size += properties.IsDeliveryModePresent() ? 1 : 0;
        size += properties.IsPriorityPresent() ? 1 : 0;
        size += properties.IsTimestampPresent() ? 8 : 0;
        return size + (properties.Headers is { } headers ? SizeOf(headers) : 0);
    }

    /// <summary>Why the broker would not accept properties of this size; null if it would.</summary>
    /// <param name="size">The size of the frame in bytes.</param>
    /// <param name="frameMax">The largest frame that the broker accepts; 0: any.</param>
    public static string? Problem(long size, uint frameMax) => frameMax == 0 || size <= frameMax ? null
        : string.Create(CultureInfo.InvariantCulture, $"its headers have {size:N0} bytes including the stamp of the move, and the broker accepts at most {frameMax:N0} (frame_max)");

    private static IEnumerable<string> Texts(IReadOnlyBasicProperties properties)
    {
        string?[] texts =
        [
            properties.ContentType, properties.ContentEncoding, properties.CorrelationId, properties.ReplyTo, properties.Expiration,
            properties.MessageId, properties.Type, properties.UserId, properties.AppId, properties.ClusterId,
        ];
        return texts.OfType<string>();
    }

    private static long SizeOf(IDictionary<string, object?> table) => 4 + table.Sum(item => 1 + Encoding.UTF8.GetByteCount(item.Key) + SizeOf(item.Value));

    // Includes the byte for the type.
    private static long SizeOf(object? value) => 1 + value switch
    {
        null => 0,
        string text => 4 + Encoding.UTF8.GetByteCount(text),
        byte[] bytes => 4 + bytes.Length,
        BinaryTableValue { Bytes: var bytes } => 4 + (bytes?.Length ?? 0),
        bool or byte or sbyte => 1,
        short or ushort => 2,
        decimal => 5,
        int or uint or float => 4,
        IDictionary<string, object?> table => SizeOf(table),
        IEnumerable<object?> list => 4 + list.Sum(SizeOf),
        _ => 8,
    };
}
