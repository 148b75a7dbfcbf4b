using System.Text.Json;
using System.Text.Json.Serialization;

namespace WorkinIt.DeadLetters;

/// <summary>
/// Reports to the catalogue which dead letters an operation moved. It goes through the queue that also gets the copies of dead letters, so it is
/// read after the copies of its letters. It contains no personal data except the operator's name.
/// </summary>
internal sealed record FeedNotice
{
    /// <summary>The queue that receives copies of dead letters, and these notices.</summary>
    public const string Queue = "dead-letters.feed";

    /// <summary>The AMQP message type of a notice.</summary>
    public const string MessageType = "dead-letters.notice";

    /// <summary>The version of this format.</summary>
    public const int Latest = 1;

    private static readonly JsonSerializerOptions _json = new(JsonSerializerDefaults.Web) { DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull };

    public int Version { get; init; } = Latest;

    /// <summary>The operation's id, as in the audit log.</summary>
    public required string Operation { get; init; }

    /// <summary>The verb, as in the audit log: replay, edit, repair, discard, discard as sent, restore, remove or import.</summary>
    public required string Verb { get; init; }

    /// <summary>The queue that the letters left; for an import, the queue that they were added to.</summary>
    [JsonPropertyName("queue")]
    public required string LetterQueue { get; init; }

    /// <summary>The dead letters' ids.</summary>
    public required IReadOnlyList<string> Ids { get; init; }

    /// <summary>The operator.</summary>
    public required string By { get; init; }

    public required DateTimeOffset At { get; init; }

    /// <summary>Reads a notice; null if the body is not one, or one of a later version.</summary>
    public static FeedNotice? Read(ReadOnlySpan<byte> body)
    {
        try
        {
            return JsonSerializer.Deserialize<FeedNotice>(body, _json) is { Version: Latest, Ids: not null } notice ? notice : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    public byte[] Write() => JsonSerializer.SerializeToUtf8Bytes(this, _json);
}
