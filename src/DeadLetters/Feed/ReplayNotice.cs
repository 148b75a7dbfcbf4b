using System.Text.Json;
using System.Text.Json.Serialization;

namespace WorkinIt.DeadLetters;

/// <summary>
/// Reports to the catalogue which dead letters a replay moved, and what the replay knows about their outcomes that the application does not report. It
/// goes straight to the durable queue of the reports, so that it waits there while no host runs. It contains no personal data.
/// </summary>
internal sealed record ReplayNotice
{
    /// <summary>The queue of reports and of these notices. The exchange of the reports has the same name.</summary>
    public const string Queue = ReplayReport.Exchange;

    /// <summary>The AMQP message type of a notice; the number grows when a field changes its meaning.</summary>
    public const string MessageType = "dead-letters.replayed.1";

    private static readonly JsonSerializerOptions _json = new(JsonSerializerDefaults.Web)
    {
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
        Converters = { new JsonStringEnumConverter<Outcome>(JsonNamingPolicy.CamelCase) },
    };

    /// <summary>The replay's id.</summary>
    public required string Operation { get; init; }

    /// <summary>The dead-letter queue that the messages left.</summary>
    [JsonPropertyName("queue")]
    public required string LetterQueue { get; init; }

    public required DateTimeOffset At { get; init; }

    public required IReadOnlyList<ReplayedItem> Messages { get; init; }

    /// <summary>Reads a notice; null if the body is not one.</summary>
    public static ReplayNotice? Read(ReadOnlySpan<byte> body)
    {
        try
        {
            return JsonSerializer.Deserialize<ReplayNotice>(body, _json) is { Operation: not null, LetterQueue: not null, Messages: not null } notice
                && notice.Messages.All(message => message is { Id: not null }) ? notice : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    public byte[] Write() => JsonSerializer.SerializeToUtf8Bytes(this, _json);
}

/// <summary>A replayed message in a notice.</summary>
/// <param name="Number">Its number in the replay.</param>
/// <param name="Id">The id of the dead letter that it was.</param>
/// <param name="Target">The queue that it was moved to.</param>
internal sealed record ReplayedItem(long Number, string Id, string Target)
{
    /// <summary>At the end of the replay: the outcome, if the advisor, a dead letter or an empty queue showed it; null otherwise.</summary>
    public Outcome? Outcome { get; init; }

    /// <summary>Whether the advisor said so.</summary>
    public bool Advised { get; init; }

    /// <summary>The queue of the new dead letter; null if none was seen, or its queue is not known.</summary>
    public string? NewQueue { get; init; }

    /// <summary>The id of the new dead letter; null if none was seen.</summary>
    public string? NewId { get; init; }
}
