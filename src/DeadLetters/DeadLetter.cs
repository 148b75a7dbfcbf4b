using System.Buffers;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using RabbitMQ.Client;

namespace WorkinIt.DeadLetters;

/// <summary>How a message came to be a dead letter.</summary>
public enum DeadLetterKind
{
    /// <summary>Its consumer failed.</summary>
    Fault,

    /// <summary>No consumer of the queue handles its type.</summary>
    Skipped,

    /// <summary>The broker put it aside: it was returned too often, rejected, or too old.</summary>
    Broker,

    /// <summary>It does not tell.</summary>
    Unknown,
}

/// <summary>One message of a dead-letter queue, as it was when it was looked at. What it is not, such as a MassTransit message, its members leave out.</summary>
public sealed class DeadLetter
{
    private static readonly UTF8Encoding _strict = new(false, throwOnInvalidBytes: true);
    private readonly Lazy<IReadOnlyList<string>> _types;
    private readonly Lazy<string?> _problem;
    private readonly Lazy<Reading> _reading;

    internal DeadLetter(string queue, long position, int twin, IReadOnlyBasicProperties properties, ReadOnlyMemory<byte> body, ulong hash)
    {
        (Queue, Position, Properties, Body, Hash) = (queue, position, properties, body, hash);
        Id = twin == 0 ? hash.ToString("x16", CultureInfo.InvariantCulture) : string.Create(CultureInfo.InvariantCulture, $"{hash:x16}-{twin + 1}");
        _types = new Lazy<IReadOnlyList<string>>(() => TypesOf(this));
        _problem = new Lazy<string?>(() => ProblemOf(this));
        _reading = new Lazy<Reading>(() => Reading.Of(this));
    }

    /// <summary>Names it among the dead letters: a hash of all that it is, and a number where two are the same in everything.</summary>
    public string Id { get; }

    /// <summary>The queue that it stands in.</summary>
    public string Queue { get; }

    /// <summary>Its place in the queue, 1 at the head.</summary>
    public long Position { get; }

    /// <summary>The AMQP properties, headers among them.</summary>
    public IReadOnlyBasicProperties Properties { get; }

    /// <summary>The body, byte for byte.</summary>
    public ReadOnlyMemory<byte> Body { get; }

    /// <summary>The MessageId; null where it has none.</summary>
    public string? MessageId => Properties.IsMessageIdPresent() && Properties.MessageId is { Length: > 0 } id ? id : null;

    /// <summary>The content type; null where it has none.</summary>
    public string? ContentType => Properties.IsContentTypePresent() ? Properties.ContentType : null;

    /// <summary>How it came here.</summary>
    public DeadLetterKind Kind =>
        Header("MT-Fault-ExceptionType") is not null || Header("MT-Reason") == "fault" ? DeadLetterKind.Fault
        : Header("MT-Reason") == "dead-letter" ? DeadLetterKind.Skipped
        : Death is not null ? DeadLetterKind.Broker
        : DeadLetterKind.Unknown;

    /// <summary>The exception's type; for what the broker put aside, its reason (<c>delivery_limit</c>, <c>expired</c>, <c>rejected</c>, <c>maxlen</c>).</summary>
    public string? ExceptionType => Header("MT-Fault-ExceptionType") ?? DeathText("reason");

    /// <summary>Why, in one sentence; the exception's message, cut by MassTransit at 2,048 characters.</summary>
    public string Reason => Header("MT-Fault-Message") ?? Kind switch
    {
        DeadLetterKind.Skipped => "No consumer of the queue handles this type",
        DeadLetterKind.Broker => DeathText("reason") switch
        {
            "delivery_limit" => "It came back to the queue too often: each process that took it died or gave it back",
            "expired" => "It waited longer than it was allowed to live",
            "rejected" => "It was rejected",
            "maxlen" => "The queue was full",
            var other => $"The broker put it aside ({other})",
        },
        DeadLetterKind.Fault => "Its consumer failed and said nothing",
        _ => "It does not tell why it is here",
    };

    /// <summary>What the exception and its message have in common with others: without ids and numbers.</summary>
    public Cause Cause => Cause.Of(ExceptionType, Reason);

    /// <summary>The stack trace; null where there is none.</summary>
    public string? StackTrace => Header("MT-Fault-StackTrace");

    /// <summary>When it failed; null where that is not told.</summary>
    public DateTimeOffset? FailedAt =>
        DateTimeOffset.TryParse(Header("MT-Fault-Timestamp"), CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var at) ? at
        : Death?.TryGetValue("time", out var time) == true && time is AmqpTimestamp stamp ? DateTimeOffset.FromUnixTimeSeconds(stamp.UnixTime)
        : null;

    /// <summary>How often it was tried again in place; null where that is not told.</summary>
    public int? Retries => Number(Header("MT-Fault-RetryCount"));

    /// <summary>The machine and the process that failed; null where that is not told.</summary>
    public string? Host => Header("MT-Host-MachineName") is { } machine ? $"{machine}, {Header("MT-Host-ProcessName")} {Header("MT-Host-ProcessId")}" : null;

    /// <summary>The consumer's type; null where that is not told.</summary>
    public string? Consumer => Header("MT-Fault-ConsumerType");

    /// <summary>The types of the message, the most derived first, as in <c>Namespace:Type</c>.</summary>
    public IReadOnlyList<string> MessageTypes => _types.Value;

    /// <summary>The queue that it failed in, as it tells itself; null where it does not.</summary>
    public string? FailedIn =>
        Header("MT-Fault-InputAddress") is { } address && Uri.TryCreate(address, UriKind.Absolute, out var uri)
            ? Uri.UnescapeDataString(uri.AbsolutePath[(uri.AbsolutePath.LastIndexOf('/') + 1)..])
            : DeathText("queue");

    /// <summary>Of an earlier replay: its id, who, when and how often; null where there was none.</summary>
    public ReplayStamp? LastReplay => Header(Headers.ReplayId) is { } id
        ? new ReplayStamp(id, Header(Headers.ReplayBy) ?? "", Header(Headers.ReplayAt) ?? "", Number(Header(Headers.ReplayCount)) ?? 1)
        : null;

    /// <summary>Of a discarded one: the queue that it came from.</summary>
    public string? DiscardedFrom => Header(Headers.DiscardedFrom);

    /// <summary>How often it was returned to a queue with a delivery limit.</summary>
    public long DeliveryCount => Properties.Headers?.TryGetValue("x-delivery-count", out var count) == true ? Convert.ToInt64(count, CultureInfo.InvariantCulture) : 0;

    /// <summary>The message as indented JSON; null where the body is none. Personal data.</summary>
    public string? MessageJson => _reading.Value.Message;

    /// <summary>The whole body as text, indented where it is JSON; null where it is no text. Personal data.</summary>
    public string? BodyText => _reading.Value.Text;

    /// <summary>Why the body can't be read; null when it can, or when no one knows its form.</summary>
    public string? Unreadable => _problem.Value;

    /// <summary>The headers in words. They may hold personal data, as anything that an application puts there.</summary>
    public IEnumerable<KeyValuePair<string, string>> HeaderTexts =>
        (Properties.Headers ?? new Dictionary<string, object?>()).OrderBy(header => header.Key, StringComparer.Ordinal)
            .Select(header => KeyValuePair.Create(header.Key, Headers.Show(header.Value)));

    internal ulong Hash { get; }

    private IDictionary<string, object?>? Death =>
        Properties.Headers?.TryGetValue("x-death", out var deaths) == true && deaths is IEnumerable<object?> list ? list.FirstOrDefault() as IDictionary<string, object?> : null;

    /// <summary>A header as text; null where there is none.</summary>
    /// <param name="name">Its name.</param>
    public string? Header(string name) => Headers.Text(Properties.Headers, name);

    /// <summary>Whether words stand in the body, whatever its escapes.</summary>
    /// <param name="words">The words; case does not count.</param>
    public bool Contains(string words)
    {
        var raw = Encoding.UTF8.GetString(Body.Span);
        return raw.Contains(words, StringComparison.OrdinalIgnoreCase)
            || (raw.Contains('\\', StringComparison.Ordinal) && BodyText?.Contains(words, StringComparison.OrdinalIgnoreCase) == true);
    }

    /// <summary>All of it as one JSON object: what <c>export</c> writes. Personal data.</summary>
    /// <param name="writer">Where to.</param>
    public void Write(Utf8JsonWriter writer)
    {
        writer.WriteStartObject();
        writer.WriteString("id", Id);
        writer.WriteString("queue", Queue);
        writer.WriteNumber("position", Position);
        writer.WriteString("messageId", MessageId);
        writer.WriteString("contentType", ContentType);
        writer.WriteString("kind", Kind.ToString().ToLowerInvariant());
        writer.WriteString("exception", ExceptionType);
        writer.WriteString("reason", Reason);
        writer.WriteString("cause", Cause.Id);
        if (FailedAt is { } at)
            writer.WriteString("failedAt", at);
        else
            writer.WriteNull("failedAt");
        writer.WriteString("failedIn", FailedIn);
        writer.WriteStartArray("messageTypes");
        foreach (var type in MessageTypes)
            writer.WriteStringValue(type);
        writer.WriteEndArray();
        writer.WritePropertyName("properties");
        WriteProperties(writer);
        writer.WritePropertyName("headers");
        Headers.Write(writer, Properties.Headers ?? new Dictionary<string, object?>());
        writer.WriteBase64String("body", Body.Span);
        writer.WritePropertyName("message");
        if (MessageJson is { } json)
            writer.WriteRawValue(json);
        else
            writer.WriteNullValue();
        writer.WriteEndObject();
    }

    private void WriteProperties(Utf8JsonWriter writer)
    {
        writer.WriteStartObject();
        if (Properties.IsCorrelationIdPresent())
            writer.WriteString("correlationId", Properties.CorrelationId);
        if (Properties.IsContentEncodingPresent())
            writer.WriteString("contentEncoding", Properties.ContentEncoding);
        if (Properties.IsDeliveryModePresent())
            writer.WriteNumber("deliveryMode", (byte)Properties.DeliveryMode);
        if (Properties.IsPriorityPresent())
            writer.WriteNumber("priority", Properties.Priority);
        if (Properties.IsExpirationPresent())
            writer.WriteString("expiration", Properties.Expiration);
        if (Properties.IsReplyToPresent())
            writer.WriteString("replyTo", Properties.ReplyTo);
        if (Properties.IsTimestampPresent())
            writer.WriteNumber("timestamp", Properties.Timestamp.UnixTime);
        if (Properties.IsTypePresent())
            writer.WriteString("type", Properties.Type);
        if (Properties.IsAppIdPresent())
            writer.WriteString("appId", Properties.AppId);
        writer.WriteEndObject();
    }

    private string? DeathText(string name) => Death is { } death ? Headers.Text(death, name) : null;

    private static int? Number(string? text) => int.TryParse(text, CultureInfo.InvariantCulture, out var number) ? number : null;

    /// <summary>A hash of all that the message is; what changes at each look is left out.</summary>
    internal static ulong HashOf(IReadOnlyBasicProperties properties, ReadOnlySpan<byte> body)
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
                if (Headers.IsCount(name))
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

    private static IReadOnlyList<string> TypesOf(DeadLetter letter)
    {
        if (Envelope.IsEnvelope(letter.ContentType) && Envelope.MessageTypes(letter.Body.Span) is { Count: > 0 } urns)
            return [.. urns.Select(Named)];
        return letter.Header("MT-Fault-MessageType") is { } type ? [Named(type)] : [];

        static string Named(string urn) => urn.StartsWith("urn:message:", StringComparison.OrdinalIgnoreCase) ? urn[12..] : urn;
    }

    private static string? ProblemOf(DeadLetter letter)
    {
        if (!Envelope.IsReadable(letter.ContentType))
            return $"its content type ({letter.ContentType ?? "none"}) is none that MassTransit reads";
        if (!Envelope.IsJson(letter.ContentType))
            return null; // XML, BSON, encrypted: its consumer can read what we can't
        if (!Envelope.IsValid(letter.Body.Span))
            return "its body is no valid JSON";
        return Envelope.IsEnvelope(letter.ContentType) && !Envelope.HasMessage(letter.Body.Span) ? "its envelope holds no message" : null;
    }

    private sealed record Reading(string? Message, string? Text)
    {
        public static Reading Of(DeadLetter letter)
        {
            if (Envelope.IsReadable(letter.ContentType) && !Envelope.IsJson(letter.ContentType))
                return new Reading(null, null);
            using var json = Envelope.TryParse(letter.Body);
            if (json is null)
                return new Reading(null, TextOf(letter.Body.Span));
            var text = Envelope.Pretty(json.RootElement);
            return new Reading(
                !Envelope.IsEnvelope(letter.ContentType) ? text : Envelope.Property(json.RootElement, "message") is { } message ? Envelope.Pretty(message) : null,
                text);
        }

        private static string? TextOf(ReadOnlySpan<byte> body)
        {
            try
            {
                var text = _strict.GetString(body);
                return text.Any(c => char.IsControl(c) && c is not ('\r' or '\n' or '\t')) ? null : text;
            }
            catch (DecoderFallbackException)
            {
                return null;
            }
        }
    }
}

/// <summary>What a replay left on a message.</summary>
/// <param name="Id">The replay, and the message's number in it.</param>
/// <param name="By">The person.</param>
/// <param name="At">When, in ISO 8601.</param>
/// <param name="Count">How often it was replayed so far.</param>
public sealed record ReplayStamp(string Id, string By, string At, int Count);
