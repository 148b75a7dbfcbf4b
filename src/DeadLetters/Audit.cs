using System.Text.Json;
using System.Text.Json.Serialization;

namespace WorkinIt.DeadLetters;

/// <summary>Who did what to the dead letters, and when.</summary>
public interface IAuditLog
{
    /// <summary>Writes an entry, or a newer version of it.</summary>
    /// <param name="entry">The entry; its id tells which one it is.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    Task WriteAsync(AuditEntry entry, CancellationToken cancellationToken);

    /// <summary>The newest entries, the newest first.</summary>
    /// <param name="queue">Of one queue, or null for all.</param>
    /// <param name="limit">At most so many.</param>
    /// <param name="cancellationToken">Ends it.</param>
    Task<IReadOnlyList<AuditEntry>> ReadAsync(string? queue, int limit, CancellationToken cancellationToken);
}

/// <summary>One operation.</summary>
public sealed record AuditEntry
{
    /// <summary>How many messages an entry names at most; all of them carry its id as a stamp.</summary>
    public const int NamedMessages = 1000;

    /// <summary>The operation's id; replayed messages carry it as their stamp.</summary>
    public required string Id { get; init; }

    /// <summary>When it began.</summary>
    public required DateTimeOffset At { get; init; }

    /// <summary>The person.</summary>
    public required string By { get; init; }

    /// <summary>The operator's verb: replay, edit, discard, restore, export, reveal.</summary>
    public required string Verb { get; init; }

    /// <summary>The queue.</summary>
    public required string Queue { get; init; }

    /// <summary>Which messages were asked for.</summary>
    public string Filter { get; init; } = "";

    /// <summary>When it ended; null while it goes on, and for ever when it was cut off.</summary>
    public DateTimeOffset? EndedAt { get; init; }

    /// <summary>How many messages were asked for.</summary>
    public long Selected { get; init; }

    /// <summary>How many it was done to.</summary>
    public long Done { get; init; }

    /// <summary>How many were left where they were.</summary>
    public long Refused { get; init; }

    /// <summary>Why it ended before its time; empty when it did not.</summary>
    public string Problem { get; init; } = "";

    /// <summary>The MessageIds (where there is none, the dead letters' ids), up to <see cref="NamedMessages"/>.</summary>
    public IReadOnlyList<string> Messages { get; init; } = [];

    /// <summary>Of an edit: the message before it. Personal data.</summary>
    public string? Original { get; init; }

    /// <summary>Of an edit: the message after it. Personal data.</summary>
    public string? Edited { get; init; }
}

/// <summary>An audit log in a file, one JSON object a line; several processes of one machine can share it.</summary>
/// <param name="path">The file; made when it is first written to, readable by its owner alone.</param>
public sealed class AuditFile(string path) : IAuditLog
{
    private static readonly JsonSerializerOptions _json = new(JsonSerializerDefaults.Web) { DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull };

    /// <inheritdoc/>
    public async Task WriteAsync(AuditEntry entry, CancellationToken cancellationToken)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(path))!);
        var options = new FileStreamOptions { Mode = FileMode.Append, Access = FileAccess.Write, Share = FileShare.ReadWrite, Options = FileOptions.WriteThrough };
        if (!OperatingSystem.IsWindows())
            options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        // One write, so that two processes' lines do not mix.
        byte[] line = [.. JsonSerializer.SerializeToUtf8Bytes(entry, _json), (byte)'\n'];
        await using var file = new FileStream(path, options);
        await file.WriteAsync(line, cancellationToken);
        await file.FlushAsync(cancellationToken);
    }

    /// <inheritdoc/>
    public async Task<IReadOnlyList<AuditEntry>> ReadAsync(string? queue, int limit, CancellationToken cancellationToken)
    {
        if (!File.Exists(path))
            return [];
        var entries = new Dictionary<string, AuditEntry>();
        await using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        using var reader = new StreamReader(file);
        while (await reader.ReadLineAsync(cancellationToken) is { } line)
        {
            if (TryRead(line) is { } entry && (queue is null || entry.Queue == queue))
                entries[entry.Id] = entry;
        }
        return [.. entries.Values.OrderByDescending(entry => entry.At).Take(limit)];
    }

    // A line that a sudden death has cut is no reason to show none of the others.
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
