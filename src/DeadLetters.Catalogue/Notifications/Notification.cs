using System.Text.Json;
using System.Text.Json.Serialization;

namespace WorkinIt.DeadLetters.Catalogue.Notifications;

/// <summary>Why a message is sent.</summary>
internal enum NotificationKind
{
    /// <summary>A cause was seen for the first time.</summary>
    New,

    /// <summary>A cause came back: replayed letters failed again, or it had no letters and has some again.</summary>
    Back,

    /// <summary>A cause fails more often than the limit.</summary>
    Burst,

    /// <summary>No letter is there of a cause that was announced.</summary>
    Over,

    /// <summary>The causes that were there when notifications were switched on for a receiver.</summary>
    Summary,

    /// <summary>An operator tests a receiver.</summary>
    Test,
}

/// <summary>
/// A message about dead letters: docs/notification.schema.json. Contains no personal data: the text of a cause is masked, and no message is quoted.
/// </summary>
internal sealed record Notification
{
    private static readonly JsonSerializerOptions _json = new(JsonSerializerDefaults.Web)
    {
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
        Converters = { new JsonStringEnumConverter(JsonNamingPolicy.CamelCase) },
    };

    /// <summary>The same for each try, so that a receiver can recognize a message that it has got.</summary>
    public required string Id { get; init; }

    public required NotificationKind Kind { get; init; }

    public required DateTimeOffset At { get; init; }

    /// <summary>One line for a person.</summary>
    public required string Title { get; init; }

    /// <summary>The cause; null in a summary and a test.</summary>
    public NotifiedCause? Cause { get; init; }

    /// <summary>How many letters are there: of the cause; in a summary, of all causes.</summary>
    public long? Count { get; init; }

    /// <summary>Failures of the cause in the last 5 minutes.</summary>
    public long? Recent { get; init; }

    /// <summary>The queues that hold its letters, the fullest first, up to 10.</summary>
    public IReadOnlyList<NotifiedQueue>? Queues { get; init; }

    /// <summary>When the first letter of the cause failed.</summary>
    public DateTimeOffset? Since { get; init; }

    /// <summary>The versions of the application, up to 10.</summary>
    public IReadOnlyList<string>? Versions { get; init; }

    /// <summary>In a summary: the causes, the largest first, up to 20.</summary>
    public IReadOnlyList<NotifiedCause>? Causes { get; init; }

    /// <summary>The page of the cause, or the board; null without a public address.</summary>
    public string? Link { get; init; }

    public string ToJson() => JsonSerializer.Serialize(this, _json);

    public static Notification FromJson(string json) => JsonSerializer.Deserialize<Notification>(json, _json)!;
}

/// <summary>A cause in a message.</summary>
/// <param name="Id">The cause's id.</param>
/// <param name="Exception">The exception's type; null if none is recorded.</param>
/// <param name="Reason">Its text, masked.</param>
/// <param name="Frame">The place in the application's code; null if unknown.</param>
/// <param name="Count">In a summary: how many letters are there.</param>
internal sealed record NotifiedCause(string Id, string? Exception, string Reason, string? Frame, long? Count = null);

/// <summary>A queue in a message.</summary>
internal sealed record NotifiedQueue(string Source, string Queue, long Count);
