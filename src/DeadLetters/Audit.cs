using System.Text;
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

    /// <summary>The operator's verb: replay, edit, discard, restore, remove, export, reveal.</summary>
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

    /// <summary>Of a replay: what became of the messages, as in <c>173 failed again</c>.</summary>
    public string Results { get; init; } = "";

    /// <summary>What was published and never confirmed; the next replay settles it.</summary>
    public IReadOnlyList<Doubt> Doubts { get; init; } = [];

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

    private const string Erased = "(erased)";
    private const string Beginning = "{\"id\":\""; // of each entry

    private static readonly TimeSpan _lockPatience = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan _lockRetry = TimeSpan.FromMilliseconds(10);

    /// <summary>Where it is.</summary>
    public string FilePath => path;

    /// <inheritdoc/>
    public async Task WriteAsync(AuditEntry entry, CancellationToken cancellationToken)
    {
        Directory.CreateDirectory(Folder);
        await using var turn = await LockAsync(cancellationToken);
        var options = new FileStreamOptions { Mode = FileMode.OpenOrCreate, Access = FileAccess.ReadWrite, Share = FileShare.ReadWrite, Options = FileOptions.WriteThrough };
        if (!OperatingSystem.IsWindows())
            options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        await using var file = new FileStream(path, options);
        // What a full disk has cut off ends here, and the entry after it has a line of its own.
        byte[] line = [.. EndsInALine(file) ? ""u8 : "\n"u8, .. JsonSerializer.SerializeToUtf8Bytes(entry, _json), (byte)'\n'];
        file.Seek(0, SeekOrigin.End);
        await file.WriteAsync(line, cancellationToken);
        await file.FlushAsync(cancellationToken);
    }

    /// <inheritdoc/>
    public async Task<IReadOnlyList<AuditEntry>> ReadAsync(string? queue, int limit, CancellationToken cancellationToken)
    {
        if (!File.Exists(path))
            return [];
        // Without the lock: an erasure puts a new file into the place of this one, which stays readable to its end.
        var entries = new Dictionary<string, AuditEntry>();
        await using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        using var reader = new StreamReader(file);
        while (await reader.ReadLineAsync(cancellationToken) is { } line)
        {
            if (Read(line) is { } entry && (queue is null || entry.Queue == queue))
                entries[entry.Id] = entry;
        }
        return [.. entries.Values.OrderByDescending(entry => entry.At).Take(limit)];
    }

    /// <summary>
    /// Takes out what people typed, of the entries that concern somebody: the message before and after an edit, the words that were looked
    /// for. That something was done, when, by whom and to which ids stays. A line that can't be read goes whole.
    /// </summary>
    /// <param name="concerns">Whether a text, JSON or not, is about that somebody.</param>
    /// <param name="dryRun">Whether only to count.</param>
    /// <param name="cancellationToken">Ends it; before the new file is in its place, nothing is changed.</param>
    /// <returns>How many entries there were.</returns>
    public async Task<int> EraseAsync(Func<string, bool> concerns, bool dryRun, CancellationToken cancellationToken)
    {
        if (!File.Exists(path))
            return 0;
        await using var turn = await LockAsync(cancellationToken);
        var (lines, ids, unreadable) = (new List<string>(), new HashSet<string>(), 0);
        foreach (var line in await File.ReadAllLinesAsync(path, cancellationToken))
        {
            if (Read(line) is not { } entry)
            {
                if (!concerns(line))
                    lines.Add(line);
                else
                    unreadable++;
                continue;
            }
            var erased = entry with
            {
                Original = IsAbout(entry.Original) || IsAbout(entry.Edited) ? null : entry.Original,
                Edited = IsAbout(entry.Original) || IsAbout(entry.Edited) ? null : entry.Edited,
                Filter = IsAbout(entry.Filter) ? Erased : entry.Filter,
                Problem = IsAbout(entry.Problem) ? Erased : entry.Problem,
            };
            if (erased != entry)
                ids.Add(entry.Id);
            lines.Add(erased == entry ? line : JsonSerializer.Serialize(erased, _json));
        }
        if (!dryRun && ids.Count + unreadable > 0)
            await ReplaceAsync(lines, cancellationToken);
        return ids.Count + unreadable;

        bool IsAbout(string? text) => text is not null && concerns(text);
    }

    private async Task ReplaceAsync(IReadOnlyList<string> lines, CancellationToken cancellationToken)
    {
        var fresh = $"{path}.{Guid.NewGuid():N}";
        var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write, Options = FileOptions.WriteThrough };
        if (!OperatingSystem.IsWindows())
            options.UnixCreateMode = File.GetUnixFileMode(path);
        try
        {
            await using (var file = new FileStream(fresh, options))
            {
                foreach (var line in lines)
                    await file.WriteAsync(Encoding.UTF8.GetBytes(line + "\n"), cancellationToken);
                await file.FlushAsync(cancellationToken);
            }
            File.Move(fresh, path, overwrite: true);
        }
        catch
        {
            File.Delete(fresh);
            throw;
        }
    }

    private string Folder => Path.GetDirectoryName(Path.GetFullPath(path))!;

    // Beside the file, for an erasure puts another one into its place.
    private async Task<FileStream> LockAsync(CancellationToken cancellationToken)
    {
        var options = new FileStreamOptions { Mode = FileMode.OpenOrCreate, Access = FileAccess.ReadWrite, Share = FileShare.None };
        if (!OperatingSystem.IsWindows())
            options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        var until = DateTimeOffset.UtcNow + _lockPatience;
        while (true)
        {
            try
            {
                return new FileStream($"{path}.lock", options);
            }
            catch (IOException) when (DateTimeOffset.UtcNow < until)
            {
                await Task.Delay(_lockRetry, cancellationToken);
            }
        }
    }

    private static bool EndsInALine(FileStream file)
    {
        if (file.Length == 0)
            return true;
        file.Seek(-1, SeekOrigin.End);
        return file.ReadByte() == '\n';
    }

    // A line that a sudden death has cut is no reason to show none of the others; nor is what an older version wrote behind it, on the same line.
    private static AuditEntry? Read(string line)
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
