using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace WorkinIt.DeadLetters;

/// <summary>A try of a message that failed, and the replay that followed. Parts that the dead letter did not name are null.</summary>
public sealed record EarlierTry
{
    /// <summary>When the try failed.</summary>
    public DateTimeOffset? FailedAt { get; init; }

    /// <summary>The dead-letter queue that the message was in.</summary>
    public string? Queue { get; init; }

    /// <summary>The exception's type, or the broker's reason.</summary>
    [JsonPropertyName("exception")]
    public string? ExceptionType { get; init; }

    /// <summary>The id of the cause.</summary>
    public string? Cause { get; init; }

    /// <summary>The consumer's type.</summary>
    public string? Consumer { get; init; }

    /// <summary>The version of the application that failed.</summary>
    public string? Version { get; init; }

    /// <summary>The operator who replayed the message.</summary>
    public string? ReplayedBy { get; init; }

    /// <summary>When the message was replayed.</summary>
    public DateTimeOffset? ReplayedAt { get; init; }
}

/// <summary>The earlier tries of a message, which each replay notes in the header <c>Replay-History</c>.</summary>
/// <param name="Tries">The tries, the oldest first.</param>
/// <param name="Omitted">How many tries after the first one were removed, to keep the header small.</param>
public sealed record TryHistory(IReadOnlyList<EarlierTry> Tries, int Omitted)
{
    /// <summary>The maximum length of the header, in bytes.</summary>
    internal const int MaximumLength = 2048;

    private const int LongestText = 128;

    // A foreign header with this name may have any length.
    private const int LongestRead = 4 * MaximumLength;

    private static readonly JsonSerializerOptions _json = new(JsonSerializerDefaults.Web) { DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull };

    /// <summary>No earlier tries.</summary>
    public static TryHistory None { get; } = new([], 0);

    /// <summary>Reads the header; <see cref="None"/> if it is missing or is not one that a replay wrote.</summary>
    /// <param name="header">The header's value.</param>
    internal static TryHistory Parse(string? header)
    {
        if (header is null || header.Length > LongestRead)
            return None;
        try
        {
            return JsonSerializer.Deserialize<Written>(header, _json) is { Tries: { } tries, Omitted: >= 0 } written && !tries.Contains(null)
                ? new TryHistory([.. tries.OfType<EarlierTry>()], written.Omitted)
                : None;
        }
        catch (JsonException)
        {
            return None;
        }
    }

    /// <summary>The header of a message that is replayed: its earlier tries, and the one that made it a dead letter.</summary>
    /// <param name="letter">The dead letter.</param>
    /// <param name="by">The operator.</param>
    /// <param name="at">The time of the replay.</param>
    /// <returns>At most <see cref="MaximumLength"/> characters, all of them ASCII. If there are too many tries, the first one and the latest ones are kept.</returns>
    internal static string After(DeadLetter letter, string by, DateTimeOffset at)
    {
        var history = letter.History;
        var tries = history.Tries.Append(new EarlierTry
        {
            FailedAt = letter.FailedAt,
            Queue = Bounded(letter.Queue),
            ExceptionType = Bounded(letter.ExceptionType),
            Cause = letter.Cause.Id,
            Consumer = Bounded(letter.Consumer),
            Version = Bounded(letter.Header("MT-Host-AssemblyVersion")),
            ReplayedBy = Bounded(by),
            ReplayedAt = at,
        }).ToList();
        for (var omitted = history.Omitted; ; omitted++)
        {
            var text = JsonSerializer.Serialize(new Written(tries, omitted), _json);
            if (Encoding.UTF8.GetByteCount(text) <= MaximumLength)
                return text;
            tries.RemoveAt(tries.Count > 2 ? 1 : 0);
        }
    }

    private static string? Bounded(string? text) => text is { Length: > LongestText } ? text[..LongestText] : text;

    private sealed record Written(IReadOnlyList<EarlierTry?> Tries, int Omitted);
}
