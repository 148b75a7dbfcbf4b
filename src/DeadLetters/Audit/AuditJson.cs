using System.Text.Json;
using System.Text.Json.Serialization;

namespace WorkinIt.DeadLetters;

/// <summary>An audit entry as JSON, as audit logs keep it.</summary>
internal static class AuditJson
{
    private static readonly JsonSerializerOptions _json = new(JsonSerializerDefaults.Web) { DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull };

    private const string Erased = "(erased)";
    private const string Beginning = "{\"id\":\""; // each entry starts with it

    /// <summary>Writes an entry, as one line.</summary>
    public static string Write(AuditEntry entry) => JsonSerializer.Serialize(entry, _json);

    /// <summary>
    /// Reads a line; null if it has no entry. A line may be cut off by a killed process, and an older version may have written the next entry on the
    /// same line: what is cut off is skipped, and the entry behind it is read.
    /// </summary>
    public static AuditEntry? Read(string line)
    {
        if (TryRead(line) is { } entry)
            return entry;
        for (var at = line.IndexOf(Beginning, 1, StringComparison.Ordinal); at >= 0; at = line.IndexOf(Beginning, at + 1, StringComparison.Ordinal))
        {
            if (TryRead(line[at..]) is { } behind)
                return behind;
        }
        return null;
    }

    /// <summary>An entry without what people typed about one person: the entry itself if there is nothing of it.</summary>
    /// <param name="entry">The entry.</param>
    /// <param name="concerns">Returns whether a text, JSON or not, is about the person.</param>
    public static AuditEntry Erase(AuditEntry entry, Func<string, bool> concerns)
    {
        var isEditAbout = IsAbout(entry.Original) || IsAbout(entry.Edited);
        var erased = entry with
        {
            Original = isEditAbout ? null : entry.Original,
            Edited = isEditAbout ? null : entry.Edited,
            Filter = IsAbout(entry.Filter) ? Erased : entry.Filter,
            Problem = IsAbout(entry.Problem) ? Erased : entry.Problem,
            Patch = IsAbout(entry.Patch) ? Erased : entry.Patch,
        };
        return erased == entry ? entry : erased;

        bool IsAbout(string? text) => text is not null && concerns(text);
    }

    private static AuditEntry? TryRead(string line)
    {
        try
        {
            return JsonSerializer.Deserialize<AuditEntry>(line, _json);
        }
        catch (JsonException)
        {
            return null;
        }
    }
}
