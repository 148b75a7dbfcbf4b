using System.Text;
using RabbitMQ.Client;

namespace WorkinIt.DeadLetters;

/// <summary>
/// The size of a message's properties as AMQP 0-9-1 writes them. They must fit into one frame: the broker answers a larger one by
/// closing the connection, and with it everything else on it.
/// </summary>
internal static class HeaderFrame
{
    private const int Around = 7 + 1 + 14; // the frame's head and end; class, weight, body size and flags

    /// <summary>The size of the frame in bytes.</summary>
    public static long SizeOf(IReadOnlyBasicProperties properties)
    {
        long size = Around;
        foreach (var text in Texts(properties))
            size += 1 + Encoding.UTF8.GetByteCount(text);
        size += properties.IsDeliveryModePresent() ? 1 : 0;
        size += properties.IsPriorityPresent() ? 1 : 0;
        size += properties.IsTimestampPresent() ? 8 : 0;
        return size + (properties.Headers is { } headers ? SizeOf(headers) : 0);
    }

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

    // With the byte that names its type.
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
