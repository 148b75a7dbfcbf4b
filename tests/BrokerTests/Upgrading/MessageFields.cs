using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using RabbitMQ.Client;

namespace WorkinIt.BrokerTests.Upgrading;

/// <summary>A message as named fields: the body, each property, and each header with its AMQP type and its exact value.</summary>
internal static class MessageFields
{
    public static SortedDictionary<string, string> Of(BasicGetResult message) => Of(message.BasicProperties, message.Body.Span);

    public static SortedDictionary<string, string> Of(IReadOnlyBasicProperties p, ReadOnlySpan<byte> body)
    {
        var fields = new SortedDictionary<string, string>(StringComparer.Ordinal) { ["body"] = $"{body.Length} bytes {Convert.ToHexString(SHA256.HashData(body))}" };
        foreach (var (name, isPresent, value) in new (string, bool, object?)[]
        {
            ("message_id", p.IsMessageIdPresent(), p.MessageId), ("content_type", p.IsContentTypePresent(), p.ContentType), ("content_encoding", p.IsContentEncodingPresent(), p.ContentEncoding),
            ("correlation_id", p.IsCorrelationIdPresent(), p.CorrelationId), ("delivery_mode", p.IsDeliveryModePresent(), (byte)p.DeliveryMode), ("priority", p.IsPriorityPresent(), p.Priority),
            ("expiration", p.IsExpirationPresent(), p.Expiration), ("reply_to", p.IsReplyToPresent(), p.ReplyTo), ("timestamp", p.IsTimestampPresent(), p.Timestamp.UnixTime),
            ("type", p.IsTypePresent(), p.Type), ("user_id", p.IsUserIdPresent(), p.UserId), ("app_id", p.IsAppIdPresent(), p.AppId), ("cluster_id", p.IsClusterIdPresent(), p.ClusterId),
        })
        {
            if (isPresent)
                fields[name] = Convert.ToString(value, CultureInfo.InvariantCulture)!;
        }
        foreach (var (name, value) in p.Headers ?? new Dictionary<string, object?>())
            fields[$"header {name}"] = Text(value);
        return fields;
    }

    /// <summary>The names of the fields that differ, with what they were and are.</summary>
    public static IEnumerable<string> Differences(IReadOnlyDictionary<string, string> before, IReadOnlyDictionary<string, string> after) =>
        before.Keys.Union(after.Keys).Where(name => before.GetValueOrDefault(name) != after.GetValueOrDefault(name))
            .Select(name => $"{name}: {before.GetValueOrDefault(name) ?? "none"} → {after.GetValueOrDefault(name) ?? "none"}");

    private static string Text(object? value) => value switch
    {
        null => "void",
        string text => $"text {text}",
        byte[] bytes => $"text {Encoding.Latin1.GetString(bytes)}",
        BinaryTableValue binary => $"binary {Convert.ToHexString(binary.Bytes)}",
        float number => $"float {BitConverter.SingleToInt32Bits(number):x}",
        double number => $"double {BitConverter.DoubleToInt64Bits(number):x}",
        decimal number => $"decimal {string.Join(',', decimal.GetBits(number))}",
        AmqpTimestamp time => $"time {time.UnixTime}",
        IDictionary<string, object?> table => $"table {{{string.Join(", ", table.OrderBy(field => field.Key, StringComparer.Ordinal).Select(field => $"{field.Key}={Text(field.Value)}"))}}}",
        IEnumerable<object?> items => $"array [{string.Join(", ", items.Select(Text))}]",
        _ => $"{value.GetType().Name} {Convert.ToString(value, CultureInfo.InvariantCulture)}",
    };
}
