using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Json;
using RabbitMQ.Client;

namespace WorkinIt.DeadLetters;

/// <summary>Names of AMQP headers, and their values as text.</summary>
internal static class Headers
{
    private const int LongestName = 128;

    public const string ReplayId = "Replay-Id";
    public const string ReplayBy = "Replay-By";
    public const string ReplayAt = "Replay-At";
    public const string ReplayCount = "Replay-Count";
    public const string ReplaySendAgain = "Replay-Send-Again";

    /// <summary>The earlier tries, as <see cref="TryHistory"/> reads them.</summary>
    public const string ReplayHistory = "Replay-History";

    /// <summary>The expiration and the delivery mode of a message before it was moved, which would take effect on the way. Not part of its identity.</summary>
    public const string OriginalExpiration = "Original-Expiration";
    public const string OriginalDeliveryMode = "Original-Delivery-Mode";

    /// <summary>The response address of a request without an envelope.</summary>
    public const string ResponseAddress = "MT-Response-Address";

    /// <summary>The position in the message's trace at the time it was published.</summary>
    public const string ActivityId = "MT-Activity-Id";

    /// <summary>How MassTransit continues the trace: <c>Link</c> begins a new trace that links to the original one.</summary>
    public const string ActivityPropagation = "MT-Activity-Propagation";

    public const string DiscardedPrefix = "Discarded-";
    public const string DiscardedId = DiscardedPrefix + "Id";
    public const string DiscardedBy = DiscardedPrefix + "By";
    public const string DiscardedAt = DiscardedPrefix + "At";
    public const string DiscardedFrom = DiscardedPrefix + "From";
    public const string DiscardedExpiration = DiscardedPrefix + "Expiration";

    /// <summary>Whether a header describes the first try and would disturb the second. <c>MT-Fault-Address</c> does not: it is an address.</summary>
    public static bool IsOfFirstTry(string header) =>
        header is "MT-Reason" or "MT-Redelivery-Count" or "MT-Forwarder-Address" or "x-dotnet-pub-seq-no"
        || (header.StartsWith("MT-Fault-", StringComparison.Ordinal) && header != "MT-Fault-Address")
        || header.StartsWith("MT-Host-", StringComparison.Ordinal)
        || IsOfBroker(header);

    /// <summary>Whether the broker wrote a header when it dead-lettered or returned the message.</summary>
    public static bool IsOfBroker(string header) =>
        header is "x-death" || IsCount(header)
        || header.StartsWith("x-first-death-", StringComparison.Ordinal)
        || header.StartsWith("x-last-death-", StringComparison.Ordinal);

    /// <summary>Whether a replay or a discard wrote a header. Such headers name the operator.</summary>
    public static bool IsOfOperation(string header) =>
        header.StartsWith("Replay-", StringComparison.Ordinal) || header.StartsWith(DiscardedPrefix, StringComparison.Ordinal);

    /// <summary>Limits a name for use in a stamp, because the headers of a message must fit into one frame.</summary>
    public static string Bounded(string name) => name.Length <= LongestName ? name : name[..LongestName] + "…";

    /// <summary>Whether a header is a counter that changes each time the message is read, and so is not part of the message.</summary>
    public static bool IsCount(string header) => header is "x-delivery-count" or "x-acquired-count";

    public static string? Text(IDictionary<string, object?>? headers, string name) =>
        headers is not null && headers.TryGetValue(name, out var value) && value is not null ? Show(value) : null;

    /// <summary>A value as text: strings as they are, lists and tables as JSON.</summary>
    public static string Show(object? value) => value switch
    {
        null => "",
        byte[] bytes => Encoding.UTF8.GetString(bytes),
        BinaryTableValue binary => Convert.ToBase64String(binary.Bytes),
        string text => text,
        bool yes => yes ? "true" : "false",
        AmqpTimestamp time => Show(time),
        IDictionary<string, object?> or IEnumerable<object?> => Encoding.UTF8.GetString(Json(value)),
        IFormattable number => number.ToString(null, CultureInfo.InvariantCulture),
        _ => value.ToString() ?? "",
    };

    /// <summary>A time as text. A time beyond the year 9999 (for example, milliseconds by mistake) is shown as its number.</summary>
    public static string Show(AmqpTimestamp time) =>
        Time(time)?.ToString("u", CultureInfo.InvariantCulture) ?? time.UnixTime.ToString(CultureInfo.InvariantCulture);

    /// <summary>A time; null if it is out of range.</summary>
    public static DateTimeOffset? Time(AmqpTimestamp time) =>
        time.UnixTime >= DateTimeOffset.MinValue.ToUnixTimeSeconds() && time.UnixTime <= DateTimeOffset.MaxValue.ToUnixTimeSeconds()
            ? DateTimeOffset.FromUnixTimeSeconds(time.UnixTime)
            : null;

    private static byte[] Json(object value)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(buffer))
            Write(writer, value);
        return buffer.WrittenSpan.ToArray();
    }

    public static void Write(Utf8JsonWriter writer, object? value)
    {
        switch (value)
        {
            case null:
                writer.WriteNullValue();
                break;
            case IDictionary<string, object?> table:
                writer.WriteStartObject();
                foreach (var (name, item) in table)
                {
                    writer.WritePropertyName(name);
                    Write(writer, item);
                }
                writer.WriteEndObject();
                break;
            case IEnumerable<object?> list:
                writer.WriteStartArray();
                foreach (var item in list)
                    Write(writer, item);
                writer.WriteEndArray();
                break;
            case bool yes:
                writer.WriteBooleanValue(yes);
                break;
            case sbyte or byte or short or ushort or int or uint or long:
                writer.WriteNumberValue(Convert.ToInt64(value, CultureInfo.InvariantCulture));
                break;
            default:
                writer.WriteStringValue(Show(value));
                break;
        }
    }
}
