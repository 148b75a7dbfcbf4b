using System.Buffers;
using System.Security.Cryptography;
using System.Text.Json;
using RabbitMQ.Client;

namespace WorkinIt.DeadLetters;

/// <summary>A dead letter as JSON: whole, for a file; and without what changes, for its hash.</summary>
internal static class DeadLetterJson
{
    /// <summary>All of it as one object.</summary>
    public static void Write(DeadLetter letter, Utf8JsonWriter writer)
    {
        writer.WriteStartObject();
        writer.WriteString("id", letter.Id);
        writer.WriteString("queue", letter.Queue);
        writer.WriteNumber("position", letter.Position);
        writer.WriteString("messageId", letter.MessageId);
        writer.WriteString("contentType", letter.ContentType);
        writer.WriteString("kind", letter.Kind.ToString().ToLowerInvariant());
        writer.WriteString("exception", letter.ExceptionType);
        writer.WriteString("reason", letter.Reason);
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
        writer.WritePropertyName("properties");
        WriteProperties(letter.Properties, writer);
        writer.WritePropertyName("headers");
        Headers.Write(writer, letter.Properties.Headers ?? new Dictionary<string, object?>());
        writer.WriteBase64String("body", letter.Body.Span);
        writer.WritePropertyName("message");
        if (letter.MessageJson is { } json)
            writer.WriteRawValue(json, skipInputValidation: true); // it was read from JSON, deeper perhaps than the writer would believe
        else
            writer.WriteNullValue();
        writer.WriteEndObject();
    }

    private static void WriteProperties(IReadOnlyBasicProperties properties, Utf8JsonWriter writer)
    {
        writer.WriteStartObject();
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
        writer.WriteEndObject();
    }

    /// <summary>A hash of all that the message is; what changes at each look is left out.</summary>
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
                if (Headers.IsCount(name) || name.StartsWith(Headers.DiscardedPrefix, StringComparison.Ordinal) // so that its id stays while it is discarded
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
