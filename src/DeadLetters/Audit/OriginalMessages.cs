using System.Text;

namespace WorkinIt.DeadLetters;

/// <summary>
/// The original messages of repairs, beside the audit log: a folder with one file per repair, one JSON object per line. Only their owner can read
/// them.
/// </summary>
/// <param name="folder">The folder; created with the first file.</param>
internal sealed class OriginalMessages(string folder)
{
    private string LockPath => Path.Combine(folder, ".lock");

    /// <summary>The file of a repair.</summary>
    public string FileOf(string operation) => Path.Combine(folder, $"{operation}.jsonl");

    /// <summary>Adds messages to the file of a repair, and writes them to the disk.</summary>
    public async Task AddAsync(string operation, IReadOnlyList<OriginalMessage> originals, CancellationToken cancellationToken)
    {
        if (OperatingSystem.IsWindows())
            Directory.CreateDirectory(folder);
        else
            Directory.CreateDirectory(folder, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        await using var turn = await FileLock.TakeAsync(LockPath, cancellationToken);
        await using var file = new FileStream(FileOf(operation), PrivateFile.Options(FileMode.OpenOrCreate, FileAccess.ReadWrite));
        await using var lines = new BufferedStream(file, 1 << 16);
        if (!PrivateFile.EndsInALine(file)) // cut off by a full disk
            lines.WriteByte((byte)'\n');
        file.Seek(0, SeekOrigin.End);
        foreach (var original in originals)
            OriginalLines.Write(lines, original);
        await lines.FlushAsync(cancellationToken); // the file writes through to the disk
    }

    /// <summary>Erases the messages about one person. The ids stay; an unreadable line about the person is deleted.</summary>
    /// <param name="concerns">Returns whether a text is about the person.</param>
    /// <param name="dryRun">Whether to count only.</param>
    /// <param name="cancellationToken">Cancels the operation.</param>
    /// <returns>The ids of the operations whose messages were erased, or would be.</returns>
    public async Task<IReadOnlyList<string>> EraseAsync(Func<string, bool> concerns, bool dryRun, CancellationToken cancellationToken)
    {
        var operations = new List<string>();
        foreach (var path in Directory.Exists(folder) ? Directory.GetFiles(folder, "*.jsonl") : [])
        {
            if (!await ReadAsync(path, cancellationToken).AnyAsync(line => OriginalLines.Erase(line, concerns) != line, cancellationToken))
                continue;
            operations.Add(Path.GetFileNameWithoutExtension(path));
            if (!dryRun)
                await EraseAsync(path, concerns, cancellationToken);
        }
        return operations;
    }

    /// <summary>The lines of a repair's file; none if there is no file.</summary>
    public IAsyncEnumerable<string> LinesOfAsync(string operation, CancellationToken cancellationToken) =>
        File.Exists(FileOf(operation)) ? ReadAsync(FileOf(operation), cancellationToken) : AsyncEnumerable.Empty<string>();

    /// <summary>Deletes the files that were last written before a time. One that can't be deleted is tried again by the next call.</summary>
    public async Task RemoveOldAsync(DateTimeOffset before, CancellationToken cancellationToken)
    {
        string[] old = Directory.Exists(folder) ? [.. Directory.GetFiles(folder, "*.jsonl").Where(path => File.GetLastWriteTimeUtc(path) < before.UtcDateTime)] : [];
        if (old.Length == 0)
            return;
        try
        {
            await using var turn = await FileLock.TakeAsync(LockPath, cancellationToken); // an erasure may be reading them
            foreach (var path in old)
                File.Delete(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // The rights to the files are another user's, for example. What keeps the files is not a reason to refuse an operation.
        }
    }

    private async Task EraseAsync(string path, Func<string, bool> concerns, CancellationToken cancellationToken)
    {
        await using var turn = await FileLock.TakeAsync(LockPath, cancellationToken);
        await PrivateFile.ReplaceAsync(path, ReadAsync(path, cancellationToken).Select(line => OriginalLines.Erase(line, concerns)).Where(line => line is not null).Select(line => line!), cancellationToken);
    }

    private static async IAsyncEnumerable<string> ReadAsync(string path, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken)
    {
        using var reader = new StreamReader(new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete), Encoding.UTF8);
        while (await reader.ReadLineAsync(cancellationToken) is { } line)
            yield return line;
    }
}
