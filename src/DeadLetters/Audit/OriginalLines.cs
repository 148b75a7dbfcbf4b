using System.Text.Json;

namespace WorkinIt.DeadLetters;

/// <summary>The original messages of a repair as lines, one JSON object for each message.</summary>
internal static class OriginalLines
{
    private static readonly JsonSerializerOptions _json = new(JsonSerializerDefaults.Web);

    /// <summary>A line.</summary>
    /// <param name="Id">The dead letter's id.</param>
    /// <param name="MessageId">Its MessageId; null if it has none.</param>
    /// <param name="Original">The message as it was, as JSON; null if it was erased.</param>
    private sealed record Line(string Id, string? MessageId, string? Original);

    /// <summary>Writes a message and the end of its line.</summary>
    public static void Write(Stream lines, OriginalMessage original)
    {
        using (var writer = new Utf8JsonWriter(lines))
        {
            writer.WriteStartObject();
            writer.WriteString("id", original.Id);
            writer.WriteString("messageId", original.MessageId);
            writer.WriteString("original", original.Json.Span);
            writer.WriteEndObject();
        }
        lines.WriteByte((byte)'\n');
    }

    /// <summary>A line without the message of one person; the ids stay.</summary>
    /// <param name="line">The line.</param>
    /// <param name="concerns">Returns whether a text is about the person.</param>
    /// <returns>The line itself if it is about somebody else; null if nothing of it may stay, because it is unreadable.</returns>
    public static string? Erase(string line, Func<string, bool> concerns)
    {
        try
        {
            return JsonSerializer.Deserialize<Line>(line, _json) is { Original: { } original } read && concerns(original)
                ? JsonSerializer.Serialize(read with { Original = null }, _json)
                : line;
        }
        catch (JsonException)
        {
            return concerns(line) ? null : line;
        }
    }
}
