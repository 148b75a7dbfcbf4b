using System.Buffers;
using System.Security.Cryptography;
using System.Text.Json;
using RabbitMQ.Client;

namespace WorkinIt.DeadLetters;

/// <summary>A dead letter from an export file.</summary>
/// <param name="Queue">The queue that it was in; null if the file does not name it.</param>
/// <param name="Properties">The properties, including the headers.</param>
/// <param name="Body">The body.</param>
internal sealed record ExportedLetter(string? Queue, BasicProperties Properties, byte[] Body);

/// <summary>A dead letter as JSON: complete for an export file, and without the parts that change for its hash.</summary>
internal static class DeadLetterJson
{
    /// <summary>Writes the complete dead letter as one object.</summary>
    public static void Write(DeadLetter letter, Utf8JsonWriter writer)
    {
        writer.WriteStartObject();
        WriteFacts(letter, writer, letter.MessageId, letter.Reason);
        writer.WritePropertyName("properties");
        WriteProperties(letter.Properties, writer);
        writer.WritePropertyName("headers");
        FieldValues.WriteTable(writer, letter.Properties.Headers ?? new Dictionary<string, object?>());
        writer.WriteBase64String("body", letter.Body.Span);
        writer.WritePropertyName("message");
        if (letter.ShownMessage is { } json)
            writer.WriteRawValue(CompactJson.Of(json.Span), skipInputValidation: true); // it is valid JSON, but may be nested deeper than the writer accepts
        else
            writer.WriteNullValue();
        writer.WriteEndObject();
    }

    /// <summary>Writes the properties and headers as one object that <see cref="Read"/> reads: the body in it is empty.</summary>
    public static void WriteHead(IReadOnlyBasicProperties properties, Utf8JsonWriter writer)
    {
        writer.WriteStartObject();
        writer.WritePropertyName("properties");
        WriteProperties(properties, writer);
        writer.WritePropertyName("headers");
        FieldValues.WriteTable(writer, properties.Headers ?? new Dictionary<string, object?>());
        writer.WriteString("body", "");
        writer.WriteEndObject();
    }

    /// <summary>Writes what the message is, and why it failed.</summary>
    public static void WriteFacts(DeadLetter letter, Utf8JsonWriter writer, string? messageId, string reason)
    {
        writer.WriteString("id", letter.Id);
        writer.WriteString("queue", letter.Queue);
        writer.WriteNumber("position", letter.Position);
        writer.WriteString("messageId", messageId);
        writer.WriteString("contentType", letter.ContentType);
        writer.WriteString("kind", letter.Kind.ToString().ToLowerInvariant());
        writer.WriteString("exception", letter.ExceptionType);
        writer.WriteString("reason", reason);
        writer.WriteString("cause", letter.Cause.Id);
        if (letter.FailedAt is { } at)
            writer.WriteString("failedAt", at);
        else
            writer.WriteNull("failedAt");
        writer.WriteString("failedIn", letter.FailedIn);
        writer.WriteStartArray("messageTypes");
        foreach (var type in letter.MessageTypes)
            writer.WriteStringValue(type);
        writer.WriteEndArray();
    }

    /// <summary>Reads the message itself from the output of <see cref="Write"/>: its queue, properties, headers and body.</summary>
    /// <exception cref="FormatException">The line is not the output of <see cref="Write"/>; the message says what is wrong.</exception>
    public static ExportedLetter Read(ReadOnlyMemory<byte> line)
    {
        try
        {
            using var json = JsonDocument.Parse(line, new JsonDocumentOptions { MaxDepth = 600 });
            var letter = json.RootElement;
            if (letter.ValueKind != JsonValueKind.Object || !letter.TryGetProperty("body", out var body) || body.ValueKind != JsonValueKind.String)
                throw new FormatException("it has no base64 body: only the output of export can be imported");
            var properties = letter.TryGetProperty("properties", out var written) ? ReadProperties(written) : new BasicProperties();
            if (letter.TryGetProperty("headers", out var headers) && FieldValues.ReadTable(headers) is { Count: > 0 } table)
                properties.Headers = table;
            return new ExportedLetter(letter.TryGetProperty("queue", out var queue) ? queue.GetString() : null, properties, body.GetBytesFromBase64());
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            throw new FormatException("it is not a JSON object as written by export", e);
        }
    }

    private static BasicProperties ReadProperties(JsonElement written)
    {
        var properties = new BasicProperties();
        foreach (var property in written.EnumerateObject())
        {
            var value = property.Value;
            switch (property.Name)
            {
                case "messageId": properties.MessageId = value.GetString(); break;
                case "contentType": properties.ContentType = value.GetString(); break;
                case "correlationId": properties.CorrelationId = value.GetString(); break;
                case "contentEncoding": properties.ContentEncoding = value.GetString(); break;
                case "deliveryMode": properties.DeliveryMode = (DeliveryModes)value.GetByte(); break;
                case "priority": properties.Priority = value.GetByte(); break;
                case "expiration": properties.Expiration = value.GetString(); break;
                case "replyTo": properties.ReplyTo = value.GetString(); break;
                case "timestamp": properties.Timestamp = new AmqpTimestamp(value.GetInt64()); break;
                case "type": properties.Type = value.GetString(); break;
                case "userId": properties.UserId = value.GetString(); break;
                case "appId": properties.AppId = value.GetString(); break;
                case "clusterId": properties.ClusterId = value.GetString(); break;
                default: throw new FormatException($"unknown property {property.Name}");
            }
        }
        return properties;
    }

    private static void WriteProperties(IReadOnlyBasicProperties properties, Utf8JsonWriter writer)
    {
        writer.WriteStartObject();
        if (properties.IsMessageIdPresent())
            writer.WriteString("messageId", properties.MessageId);
        if (properties.IsContentTypePresent())
            writer.WriteString("contentType", properties.ContentType);
        if (properties.IsCorrelationIdPresent())
            writer.WriteString("correlationId", properties.CorrelationId);
        if (properties.IsContentEncodingPresent())
            writer.WriteString("contentEncoding", properties.ContentEncoding);
        if (properties.IsDeliveryModePresent())
            writer.WriteNumber("deliveryMode", (byte)properties.DeliveryMode);
        if (properties.IsPriorityPresent())
            writer.WriteNumber("priority", properties.Priority);
        if (properties.IsExpirationPresent())
            writer.WriteString("expiration", properties.Expiration);
        if (properties.IsReplyToPresent())
            writer.WriteString("replyTo", properties.ReplyTo);
        if (properties.IsTimestampPresent())
            writer.WriteNumber("timestamp", properties.Timestamp.UnixTime);
        if (properties.IsTypePresent())
            writer.WriteString("type", properties.Type);
        if (properties.IsUserIdPresent())
            writer.WriteString("userId", properties.UserId);
        if (properties.IsAppIdPresent())
            writer.WriteString("appId", properties.AppId);
        if (properties.IsClusterIdPresent())
            writer.WriteString("clusterId", properties.ClusterId);
        writer.WriteEndObject();
    }

    /// <summary>A hash of the message, without the headers that change with each read.</summary>
    public static ulong HashOf(IReadOnlyBasicProperties properties, ReadOnlySpan<byte> body)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var buffer = new ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(buffer))
        {
            writer.WriteStartObject();
            writer.WriteString("m", properties.IsMessageIdPresent() ? properties.MessageId : null);
            writer.WriteString("c", properties.IsContentTypePresent() ? properties.ContentType : null);
            writer.WriteString("r", properties.IsCorrelationIdPresent() ? properties.CorrelationId : null);
            foreach (var (name, value) in (properties.Headers ?? new Dictionary<string, object?>()).OrderBy(header => header.Key, StringComparer.Ordinal))
            {
                if (Headers.IsCount(name) || name.StartsWith(Headers.DiscardedPrefix, StringComparison.Ordinal) // so that its id stays the same while it is discarded
                    || name is Headers.OriginalExpiration or Headers.OriginalDeliveryMode)
                    continue;
                writer.WritePropertyName(name);
                Headers.Write(writer, value);
            }
            writer.WriteEndObject();
        }
        hash.AppendData(buffer.WrittenSpan);
        hash.AppendData(body);
        Span<byte> result = stackalloc byte[32];
        hash.GetHashAndReset(result);
        return BitConverter.ToUInt64(result);
    }
}
