using System.Text.Json;
using System.Text.Json.Serialization;

namespace WorkinIt.DeadLetters;

/// <summary>An audit log in a file, one JSON object per line. Several processes on one machine can share it.</summary>
/// <param name="path">The file; created on the first write, readable only by its owner.</param>
public sealed class AuditFile(string path) : IAuditLog
{
    private static readonly JsonSerializerOptions _json = new(JsonSerializerDefaults.Web) { DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull };

    private const string Erased = "(erased)";
    private const string Beginning = "{\"id\":\""; // each entry starts with it

    private readonly OriginalMessages _originals = new($"{path}.originals");

    /// <summary>The file's path.</summary>
    internal string FilePath => path;

    /// <summary>The file with the original messages of a repair.</summary>
    internal string OriginalsOf(string operation) => _originals.FileOf(operation);

    /// <inheritdoc/>
    public async Task WriteAsync(AuditEntry entry, CancellationToken cancellationToken)
    {
        Directory.CreateDirectory(Folder);
        await using var turn = await LockAsync(cancellationToken);
        await using var file = new FileStream(path, PrivateFile.Options(FileMode.OpenOrCreate, FileAccess.ReadWrite));
        // If a full disk cut off the last line, end that line first, so that this entry gets a line of its own.
        byte[] line = [.. PrivateFile.EndsInALine(file) ? ""u8 : "\n"u8, .. JsonSerializer.SerializeToUtf8Bytes(entry, _json), (byte)'\n'];
        file.Seek(0, SeekOrigin.End);
        await file.WriteAsync(line, cancellationToken);
        await file.FlushAsync(cancellationToken);
    }

    /// <inheritdoc/>
    public async Task<IReadOnlyList<AuditEntry>> ReadAsync(string? queue, int limit, CancellationToken cancellationToken)
    {
        if (!File.Exists(path))
            return [];
        // Needs no lock: an erasure replaces the file with a new one, and the old one stays readable while it is open.
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

    /// <inheritdoc/>
    public Task KeepOriginalsAsync(string operation, IReadOnlyList<OriginalMessage> originals, CancellationToken cancellationToken) =>
        _originals.AddAsync(operation, originals, cancellationToken);

    /// <summary>
    /// Erases what people typed from the entries about one person: the message before and after an edit, the original messages and the patch of a
    /// repair, and the search words. It keeps what was done, when, by whom and to which ids. An unreadable line about the person is deleted completely.
    /// </summary>
    /// <param name="concerns">Returns whether a text, JSON or not, is about the person.</param>
    /// <param name="dryRun">Whether to count only, without erasing.</param>
    /// <param name="cancellationToken">Cancels the operation; nothing is changed until the new file replaces the old one.</param>
    /// <returns>How many entries were erased, or would be.</returns>
    public async Task<int> EraseAsync(Func<string, bool> concerns, bool dryRun, CancellationToken cancellationToken)
    {
        if (!File.Exists(path))
            return 0;
        HashSet<string> ids = [.. await _originals.EraseAsync(concerns, dryRun, cancellationToken)];
        await using var turn = await LockAsync(cancellationToken);
        var (lines, hasChanges, unreadable) = (new List<string>(), false, 0);
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
                Patch = IsAbout(entry.Patch) ? Erased : entry.Patch,
            };
            if (erased != entry)
            {
                ids.Add(entry.Id);
                hasChanges = true;
            }
            lines.Add(erased == entry ? line : JsonSerializer.Serialize(erased, _json));
        }
        if (!dryRun && (hasChanges || unreadable > 0))
            await PrivateFile.ReplaceAsync(path, lines.ToAsyncEnumerable(), cancellationToken);
        return ids.Count + unreadable;

        bool IsAbout(string? text) => text is not null && concerns(text);
    }

    private string Folder => Path.GetDirectoryName(Path.GetFullPath(path))!;

    private Task<FileStream> LockAsync(CancellationToken cancellationToken) => FileLock.TakeAsync($"{path}.lock", cancellationToken);

    // A line may be cut off by a killed process, and an older version may have written the next entry on the same line.
    // Skip what is cut off, and read the entry behind it.
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
