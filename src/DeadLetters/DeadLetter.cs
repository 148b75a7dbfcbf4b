using System.Globalization;
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
public sealed partial class DeadLetter
{
    private readonly Lazy<IReadOnlyList<string>> _types;
    private readonly Lazy<string?> _problem;
    private readonly Lazy<DeadLetterReading> _reading;
    private readonly Lazy<bool> _isJson;
    private readonly Lazy<Cause> _cause;

    internal DeadLetter(string queue, long position, int twin, IReadOnlyBasicProperties properties, ReadOnlyMemory<byte> body, ulong hash)
    {
        (Queue, Position, Properties, Body, Hash) = (queue, position, properties, body, hash);
        Id = twin == 0 ? hash.ToString("x16", CultureInfo.InvariantCulture) : string.Create(CultureInfo.InvariantCulture, $"{hash:x16}-{twin + 1}");
        _types = new Lazy<IReadOnlyList<string>>(() => DeadLetterReading.TypesOf(this));
        _problem = new Lazy<string?>(() => DeadLetterReading.ProblemOf(this));
        _reading = new Lazy<DeadLetterReading>(() => DeadLetterReading.Of(this));
        _isJson = new Lazy<bool>(() => DeadLetterReading.IsJson(this));
        _cause = new Lazy<Cause>(() => Cause.Of(this));
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

    /// <summary>What it has in common with others that failed for the same reason.</summary>
    public Cause Cause => _cause.Value;

    /// <summary>The stack trace; null where there is none.</summary>
    public string? StackTrace => Header("MT-Fault-StackTrace");

    /// <summary>When it failed; null where that is not told.</summary>
    public DateTimeOffset? FailedAt =>
        DateTimeOffset.TryParse(Header("MT-Fault-Timestamp"), CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var at) ? at
        : Death?.TryGetValue("time", out var time) == true && time is AmqpTimestamp stamp ? Headers.Time(stamp)
        : null;

    /// <summary>The message's own time, from its properties; null where it has none.</summary>
    public string? Timestamp => Properties.IsTimestampPresent() ? Headers.Show(Properties.Timestamp) : null;

    /// <summary>How often it was tried again in place; null where that is not told.</summary>
    public int? Retries => Number(Header("MT-Fault-RetryCount"));

    /// <summary>The machine and the process that failed; null where that is not told.</summary>
    public string? Host => Header("MT-Host-MachineName") is { } machine ? $"{machine}, {Header("MT-Host-ProcessName")} {Header("MT-Host-ProcessId")}" : null;

    /// <summary>The consumer's type; null where that is not told.</summary>
    public string? Consumer => Header("MT-Fault-ConsumerType");

    /// <summary>The types of the message, the most derived first, as in <c>Namespace:Type</c>.</summary>
    public IReadOnlyList<string> MessageTypes => _types.Value;

    /// <summary>The queue that it failed in, as it tells itself; null where it does not.</summary>
    public string? FailedIn => FaultedIn ?? DeathText("queue");

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

    /// <summary>Whether the body is JSON.</summary>
    internal bool HasJson => _isJson.Value;

    /// <summary>The message within the body, as it is there; null where there is none in JSON. Personal data.</summary>
    internal ReadOnlyMemory<byte>? JsonMessage => HasJson ? Envelope.MessageIn(Body, ContentType) : null;

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
    public void Write(Utf8JsonWriter writer) => DeadLetterJson.Write(this, writer);

    private string? DeathText(string name) => Death is { } death ? Headers.Text(death, name) : null;

    private static int? Number(string? text) => int.TryParse(text, CultureInfo.InvariantCulture, out var number) ? number : null;
}

/// <summary>What a replay left on a message.</summary>
/// <param name="Id">The replay, and the message's number in it.</param>
/// <param name="By">The person.</param>
/// <param name="At">When, in ISO 8601.</param>
/// <param name="Count">How often it was replayed so far.</param>
public sealed record ReplayStamp(string Id, string By, string At, int Count);
