using System.Text;

namespace WorkinIt.DeadLetters;

/// <summary>An audit log in a file, one JSON object per line. Several processes on one machine can share it.</summary>
/// <param name="path">The file; created on the first write, readable only by its owner.</param>
public sealed class AuditFile(string path) : IAuditLog
{
    private readonly OriginalMessages _originals = new($"{path}.originals");

    /// <summary>The file's path.</summary>
    internal string FilePath => path;

    /// <summary>Why the file can't be written; null if it can. Leaves no file behind.</summary>
    internal string? WriteProblem()
    {
        try
        {
            Directory.CreateDirectory(Folder);
            var isNew = !File.Exists(path);
            var tried = isNew ? $"{path}.{Guid.NewGuid():N}" : path;
            using (new FileStream(tried, PrivateFile.Options(FileMode.OpenOrCreate, FileAccess.ReadWrite)))
            {
            }
            if (isNew)
                File.Delete(tried);
            return null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return e.Message;
        }
    }

    /// <summary>The file with the original messages of a repair.</summary>
    internal string OriginalsOf(string operation) => _originals.FileOf(operation);

    /// <summary>How long the original messages of a repair are kept: 30 days by default. Later, the next operation deletes them.</summary>
    public TimeSpan OriginalsRetention { get; init; } = TimeSpan.FromDays(30);

    /// <summary>Deletes the original messages of repairs that are older than <see cref="OriginalsRetention"/>.</summary>
    internal Task RemoveOldOriginalsAsync(CancellationToken cancellationToken) => _originals.RemoveOldAsync(DateTimeOffset.UtcNow - OriginalsRetention, cancellationToken);

    /// <summary>The original messages of a repair, one JSON object per line; none if there are none.</summary>
    internal IAsyncEnumerable<string> OriginalLinesAsync(string operation, CancellationToken cancellationToken) => _originals.LinesOfAsync(operation, cancellationToken);

    /// <inheritdoc/>
    public async Task WriteAsync(AuditEntry entry, CancellationToken cancellationToken)
    {
        Directory.CreateDirectory(Folder);
        await using var turn = await LockAsync(cancellationToken);
        await using var file = new FileStream(path, PrivateFile.Options(FileMode.OpenOrCreate, FileAccess.ReadWrite));
        // If a full disk cut off the last line, end that line first, so that this entry gets a line of its own.
        byte[] line = [.. PrivateFile.EndsInALine(file) ? ""u8 : "\n"u8, .. Encoding.UTF8.GetBytes(AuditJson.Write(entry)), (byte)'\n'];
        file.Seek(0, SeekOrigin.End);
        await file.WriteAsync(line, cancellationToken);
        await file.FlushAsync(cancellationToken);
        if (entry.EndedAt is null)
            await RemoveOldOriginalsAsync(cancellationToken);
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
            if (AuditJson.Read(line) is { } entry && (queue is null || entry.Queue == queue))
                entries[entry.Id] = entry;
        }
        return [.. entries.Values.OrderByDescending(entry => entry.At).ThenByDescending(entry => entry.Id, StringComparer.Ordinal).Take(limit)];
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
            if (AuditJson.Read(line) is not { } entry)
            {
                if (!concerns(line))
                    lines.Add(line);
                else
                    unreadable++;
                continue;
            }
            var erased = AuditJson.Erase(entry, concerns);
            if (erased != entry)
            {
                ids.Add(entry.Id);
                hasChanges = true;
            }
            lines.Add(erased == entry ? line : AuditJson.Write(erased));
        }
        if (!dryRun && (hasChanges || unreadable > 0))
            await PrivateFile.ReplaceAsync(path, lines.ToAsyncEnumerable(), cancellationToken);
        return ids.Count + unreadable;
    }

    private string Folder => Path.GetDirectoryName(Path.GetFullPath(path))!;

    private Task<FileStream> LockAsync(CancellationToken cancellationToken) => FileLock.TakeAsync($"{path}.lock", cancellationToken);
}
