using System.Globalization;
using System.Text;
using System.Text.Json;
using RabbitMQ.Client;

namespace WorkinIt.DeadLetters;

/// <summary>How a message became a dead letter.</summary>
public enum DeadLetterKind
{
    /// <summary>Its consumer failed.</summary>
    Fault,

    /// <summary>No consumer of the queue handles its type.</summary>
    Skipped,

    /// <summary>The broker dead-lettered it: it was returned too often, rejected, or expired, or its queue was full.</summary>
    Broker,

    /// <summary>Unknown: no header says how.</summary>
    Unknown,
}

/// <summary>
/// One message in a dead-letter queue, as it was when it was read. Properties that do not apply, for instance because it is not a MassTransit
/// message, are null or empty.
/// </summary>
public sealed class DeadLetter
{
    private readonly Lazy<IReadOnlyList<string>> _types;
    private readonly Lazy<string?> _problem;
    private readonly Lazy<DeadLetterReading> _reading;
    private readonly Lazy<bool> _isJson;
    private readonly Lazy<Cause> _cause;
    private readonly Lazy<TryHistory> _history;
    private readonly Lazy<Amqp10Body?> _amqp10;

    internal DeadLetter(string queue, long position, int twin, IReadOnlyBasicProperties properties, ReadOnlyMemory<byte> body, ulong hash)
    {
        (Queue, Position, Properties, Body, Hash) = (queue, position, properties, body, hash);
        Id = twin == 0 ? hash.ToString("x16", CultureInfo.InvariantCulture) : string.Create(CultureInfo.InvariantCulture, $"{hash:x16}-{twin + 1}");
        _types = new Lazy<IReadOnlyList<string>>(() => DeadLetterReading.TypesOf(this));
        _problem = new Lazy<string?>(() => DeadLetterReading.ProblemOf(this));
        _reading = new Lazy<DeadLetterReading>(() => DeadLetterReading.Of(this));
        _isJson = new Lazy<bool>(() => DeadLetterReading.IsJson(this));
        _cause = new Lazy<Cause>(() => Cause.Of(this));
        _amqp10 = new Lazy<Amqp10Body?>(() => Amqp10Body.Of(this));
        _history = new Lazy<TryHistory>(() => TryHistory.Parse(Header(Headers.ReplayHistory)));
    }

    /// <summary>Identifies the dead letter: a hash of its contents, plus a number if several messages are identical.</summary>
    public string Id { get; private init; }

    /// <summary>The queue that the message is in.</summary>
    public string Queue { get; }

    /// <summary>The position in the queue; 1 is the head.</summary>
    public long Position { get; }

    /// <summary>The AMQP properties, including the headers.</summary>
    public IReadOnlyBasicProperties Properties { get; }

    /// <summary>The body, byte for byte.</summary>
    public ReadOnlyMemory<byte> Body { get; }

    /// <summary>The MessageId; null if the message has none.</summary>
    public string? MessageId => Properties.IsMessageIdPresent() && Properties.MessageId is { Length: > 0 } id ? id : null;

    /// <summary>The content type; null if the message has none.</summary>
    public string? ContentType => Properties.IsContentTypePresent() ? Properties.ContentType : null;

    /// <summary>How the message became a dead letter.</summary>
    public DeadLetterKind Kind =>
        Header("MT-Fault-ExceptionType") is not null || Header("MT-Reason") == "fault" ? DeadLetterKind.Fault
        : Header("MT-Reason") == "dead-letter" ? DeadLetterKind.Skipped
        : Death is not null ? DeadLetterKind.Broker
        : DeadLetterKind.Unknown;

    /// <summary>
    /// The exception's type; for a message that the broker dead-lettered, the broker's reason (<c>delivery_limit</c>, <c>expired</c>,
    /// <c>rejected</c>, <c>maxlen</c>).
    /// </summary>
    public string? ExceptionType => Header("MT-Fault-ExceptionType") ?? DeathText("reason");

    /// <summary>Why the message is a dead letter: the exception's message, which MassTransit cuts at 2,048 characters, or one sentence.</summary>
    public string Reason => Header("MT-Fault-Message") ?? Kind switch
    {
        DeadLetterKind.Skipped => "No consumer of the queue handles this type",
        DeadLetterKind.Broker => DeathText("reason") switch
        {
            "delivery_limit" => "Returned to the queue too often: each process that received it died or returned it",
            "expired" => "Expired: it waited longer than its time to live",
            "rejected" => "Rejected",
            "maxlen" => "The queue was full",
            var other => $"Dead-lettered by the broker ({other})",
        },
        DeadLetterKind.Fault => "The consumer failed without an exception message",
        _ => "Unknown: no header gives a reason",
    };

    /// <summary>What the message has in common with others that failed for the same reason.</summary>
    public Cause Cause => _cause.Value;

    /// <summary>The stack trace; null if there is none.</summary>
    public string? StackTrace => Header("MT-Fault-StackTrace");

    /// <summary>When the message failed; null if unknown.</summary>
    public DateTimeOffset? FailedAt =>
        DateTimeOffset.TryParse(Header("MT-Fault-Timestamp"), CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var at) ? at
        : Death?.TryGetValue("time", out var time) == true && time is AmqpTimestamp stamp ? Headers.Time(stamp)
        : null;

    /// <summary>The message's own timestamp, from its properties; null if it has none.</summary>
    internal string? Timestamp => Properties.IsTimestampPresent() ? Headers.Show(Properties.Timestamp) : null;

    /// <summary>How often the message was retried in place; null if unknown.</summary>
    public int? Retries => Number(Header("MT-Fault-RetryCount"));

    /// <summary>The machine and the process that failed; null if unknown.</summary>
    public string? Host => Header("MT-Host-MachineName") is { } machine ? $"{machine}, {Header("MT-Host-ProcessName")} {Header("MT-Host-ProcessId")}" : null;

    /// <summary>The consumer's type; null if unknown.</summary>
    public string? Consumer => Header("MT-Fault-ConsumerType");

    /// <summary>The message types, the most derived first, as in <c>Namespace:Type</c>.</summary>
    public IReadOnlyList<string> MessageTypes => _types.Value;

    /// <summary>The queue that the message failed in, from its headers; null if they do not name one.</summary>
    public string? FailedIn => FaultedIn ?? DeathText("queue");

    /// <summary>The last replay: its id, the operator, the time, and the number of replays so far; null if the message was not replayed.</summary>
    public ReplayStamp? LastReplay => Header(Headers.ReplayId) is { } id
        ? new ReplayStamp(id, Header(Headers.ReplayBy) ?? "", Header(Headers.ReplayAt) ?? "", Number(Header(Headers.ReplayCount)) ?? 1)
        : null;

    /// <summary>The earlier tries of the message, one for each replay.</summary>
    public TryHistory History => _history.Value;

    /// <summary>For a discarded message: the queue that it came from.</summary>
    public string? DiscardedFrom => Header(Headers.DiscardedFrom);

    /// <summary>How often the message has come back to its queue, as <see cref="ReturnCount"/> reads it; 0 if it was not read from the queue.</summary>
    internal long DeliveryCount { get; init; }

    /// <summary>The message as indented JSON; null if the body is not JSON. Contains personal data.</summary>
    public string? MessageJson => _reading.Value.Message;

    /// <summary>The complete body as text, indented if it is JSON; null if it is not text. Contains personal data.</summary>
    public string? BodyText => _reading.Value.Text;

    /// <summary>Why no consumer can read the body; null if one can, or if the format is one that this library can't check.</summary>
    public string? Unreadable => _problem.Value;

    /// <summary>The headers as text. They may contain personal data, depending on what the application puts there.</summary>
    internal IEnumerable<KeyValuePair<string, string>> HeaderTexts =>
        (Properties.Headers ?? new Dictionary<string, object?>()).OrderBy(header => header.Key, StringComparer.Ordinal)
            .Select(header => KeyValuePair.Create(header.Key, Amqp10Body.InHeader(header.Key, header.Value)?.Text ?? Headers.Show(header.Value)));

    /// <summary>Texts in binary headers that <see cref="HeaderTexts"/> shows in base64. Contains personal data.</summary>
    internal IEnumerable<string> HiddenHeaderTexts =>
        (Properties.Headers ?? new Dictionary<string, object?>()).SelectMany(header => Amqp10Body.HiddenTexts(header.Key, header.Value));

    internal ulong Hash { get; }

    /// <summary>Whether the body is JSON.</summary>
    internal bool HasJson => _isJson.Value;

    /// <summary>The message within the body, byte for byte; null if the body has no message in JSON. Contains personal data.</summary>
    internal ReadOnlyMemory<byte>? JsonMessage => HasJson ? Envelope.MessageIn(Body, ContentType) : null;

    /// <summary>The sections of AMQP 1.0 that the body consists of; null if it has none.</summary>
    internal Amqp10Body? Amqp10 => _amqp10.Value;

    /// <summary>The message in JSON as it is shown: the decoded sections of AMQP 1.0, or <see cref="JsonMessage"/>. Contains personal data.</summary>
    internal ReadOnlyMemory<byte>? ShownMessage => Amqp10 is { } sections ? sections.Json : JsonMessage;

    private IDictionary<string, object?>? Death =>
        Properties.Headers?.TryGetValue("x-death", out var deaths) == true && deaths is IEnumerable<object?> list ? list.FirstOrDefault() as IDictionary<string, object?> : null;

    /// <summary>A header as text; null if there is none.</summary>
    /// <param name="name">The header's name.</param>
    public string? Header(string name) => Headers.Text(Properties.Headers, name);

    /// <summary>Whether the body contains words, also if they are escaped in JSON.</summary>
    /// <param name="words">The words; case is ignored.</param>
    internal bool Contains(string words)
    {
        if (Amqp10 is { Text: { } sections, Json: { } json }
            && (sections.Contains(words, StringComparison.OrdinalIgnoreCase) || Envelope.AnyText(json.Span, text => text.Contains(words, StringComparison.OrdinalIgnoreCase))))
            return true;
        var raw = Encoding.UTF8.GetString(Body.Span);
        return raw.Contains(words, StringComparison.OrdinalIgnoreCase)
            || (raw.Contains('\\', StringComparison.Ordinal) && HasJson && Envelope.AnyText(Body.Span, text => text.Contains(words, StringComparison.OrdinalIgnoreCase)));
    }

    /// <summary>The same dead letter with another body.</summary>
    internal DeadLetter WithBody(ReadOnlyMemory<byte> body) => new(Queue, Position, 0, Properties, body, Hash) { Id = Id, QueueTimeToLive = QueueTimeToLive, DeliveryCount = DeliveryCount };

    /// <summary>Writes the complete dead letter as one JSON object, as <c>export</c> does. Contains personal data.</summary>
    /// <param name="writer">The writer.</param>
    internal void Write(Utf8JsonWriter writer) => DeadLetterJson.Write(this, writer);

    private string? DeathText(string name) => Death is { } death ? Headers.Text(death, name) : null;

    private static int? Number(string? text) => int.TryParse(text, CultureInfo.InvariantCulture, out var number) ? number : null;

    /// <summary>For a request: the address that the consumer's response goes to. Null if the message is not a request.</summary>
    public string? ResponseAddress =>
        (Envelope.IsEnvelope(ContentType) ? Envelope.TextOf(Body.Span, Envelope.ResponseAddress) : null) ?? (Header(Headers.ResponseAddress) is { Length: > 0 } address ? address : null);

    /// <summary>The exchange in <see cref="ResponseAddress"/>; null if there is none.</summary>
    public string? AnswersTo => AddressName(ResponseAddress);

    /// <summary>Whether the message can be edited: the body contains JSON, whatever its content type.</summary>
    public bool CanBeEdited => JsonMessage is not null;

    /// <summary>Why the message can't be edited or repaired; null if it can be.</summary>
    internal string? EditProblem => JsonMessage is not null ? null
        : Amqp10 is not null ? "only JSON can be edited, and its body is a section of an AMQP 1.0 message: send the corrected message with an AMQP 1.0 client, and discard this one (on RabbitMQ 4 with --accept-loss)"
        : "only JSON can be edited, and its body contains none";

    /// <summary>How long the message may wait in this queue: its own expiration or the queue's message-ttl, whichever is shorter; null: no limit.</summary>
    internal TimeSpan? TimeToLive
    {
        get
        {
            var own = Properties.IsExpirationPresent() && long.TryParse(Properties.Expiration, CultureInfo.InvariantCulture, out var milliseconds) && milliseconds is >= 0 and <= uint.MaxValue
                ? TimeSpan.FromMilliseconds(milliseconds)
                : (TimeSpan?)null;
            return own is null || QueueTimeToLive < own ? QueueTimeToLive : own;
        }
    }

    /// <summary>The queue's message-ttl; null if it has none.</summary>
    internal TimeSpan? QueueTimeToLive { get; set; }

    /// <summary>
    /// When the message expires, as in “expires in 5 h”; null if it does not expire. The broker does not report since when a message waits: if the
    /// message does not either, this is the longest possible time.
    /// </summary>
    /// <param name="now">The current time.</param>
    public string? Expires(DateTimeOffset now)
    {
        if (TimeToLive is not { } life)
            return null;
        var since = DateTimeOffset.TryParse(Header(Headers.DiscardedAt), CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var at) ? at : FailedAt;
        return since + life - now is { } left && left > TimeSpan.Zero && left <= life ? $"expires in {Duration.Words(left)}" : $"expires in at most {Duration.Words(life)}";
    }

    /// <summary>The queue in <c>MT-Fault-InputAddress</c>; null if there is none.</summary>
    internal string? FaultedIn => AddressName(Header("MT-Fault-InputAddress"));

    /// <summary>The exchange or queue in a MassTransit address; null if there is none.</summary>
    private static string? AddressName(string? address) =>
        address is not null && Uri.TryCreate(address, UriKind.Absolute, out var uri) && Uri.UnescapeDataString(uri.AbsolutePath[(uri.AbsolutePath.LastIndexOf('/') + 1)..]) is { Length: > 0 } name
            ? name
            : null;
}

/// <summary>The headers that a replay set on a message.</summary>
/// <param name="Id">The replay's id, and the message's number in it.</param>
/// <param name="By">The operator.</param>
/// <param name="At">The time, in ISO 8601.</param>
/// <param name="Count">How often the message was replayed so far.</param>
public sealed record ReplayStamp(string Id, string By, string At, int Count);
