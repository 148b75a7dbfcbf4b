using System.Text.Json;
using System.Text.Json.Serialization;

namespace WorkinIt.DeadLetters;

/// <summary>What an application reports about a replayed message.</summary>
internal enum ReportKind
{
    /// <summary>The application has the message.</summary>
    Taken,

    /// <summary>All consumers of the message have finished without a fault, and it was acknowledged.</summary>
    Handled,

    /// <summary>The message was moved to the error queue; or an activity of a routing slip failed, which leaves no dead letter.</summary>
    Failed,

    /// <summary>The try failed, and the message comes back at <see cref="ReplayReport.Until"/>.</summary>
    Delayed,

    /// <summary>No consumer of the queue handles the message's type.</summary>
    Skipped,
}

/// <summary>
/// A report of an application about one replayed message. It is published to the topic exchange <c>dead-letters.reports</c> with the message's
/// <c>Replay-Id</c> as routing key, as JSON without an envelope. Its fields hold no part of the message and no personal data, except the exception's text.
/// </summary>
internal sealed record ReplayReport
{
    /// <summary>The durable topic exchange of the reports.</summary>
    public const string Exchange = "dead-letters.reports";

    /// <summary>The AMQP property <c>type</c> of a report; the number grows when a field changes its meaning.</summary>
    public const string Type = "dead-letters.report.1";

    private static readonly JsonSerializerOptions _json = new(JsonSerializerDefaults.Web)
    {
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
        Converters = { new JsonStringEnumConverter<ReportKind>(JsonNamingPolicy.CamelCase) },
    };

    /// <summary>The message's <c>Replay-Id</c> header: the operation's id, a dot, and the message's number in it.</summary>
    public required string ReplayId { get; init; }

    /// <summary>What happened.</summary>
    public required ReportKind Kind { get; init; }

    /// <summary>When it happened, by the application's clock.</summary>
    public required DateTimeOffset At { get; init; }

    /// <summary>The queue that the application took the message from.</summary>
    public required string Queue { get; init; }

    /// <summary>The number of the delivery among all replayed ones of its process, from 1: a later one replaces what an earlier one reported.</summary>
    public int Try { get; init; } = 1;

    /// <summary>The type of the consumer, saga or activity; null if unknown or several.</summary>
    public string? Consumer { get; init; }

    /// <summary>The application's machine.</summary>
    public string? Host { get; init; }

    /// <summary>The application's assembly.</summary>
    public string? Application { get; init; }

    /// <summary>The version of the application's assembly.</summary>
    public string? Version { get; init; }

    /// <summary>How long the try took, in milliseconds.</summary>
    public double? Milliseconds { get; init; }

    /// <summary>The type of the exception.</summary>
    public string? ExceptionType { get; init; }

    /// <summary>The exception's text, cut to 300 characters. May contain personal data.</summary>
    public string? Reason { get; init; }

    /// <summary>For a delayed message: when it comes back; null if that is not known.</summary>
    public DateTimeOffset? Until { get; init; }

    /// <summary>The report as the body of a message.</summary>
    public byte[] ToJson() => JsonSerializer.SerializeToUtf8Bytes(this, _json);

    /// <summary>Reads the body of a report; null if it is none.</summary>
    /// <param name="body">The body.</param>
    public static ReplayReport? Parse(ReadOnlySpan<byte> body)
    {
        try
        {
            return JsonSerializer.Deserialize<ReplayReport>(body, _json);
        }
        catch (JsonException)
        {
            return null;
        }
    }
}
