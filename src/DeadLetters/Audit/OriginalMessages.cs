using System.Text;
using System.Text.Json;

namespace WorkinIt.DeadLetters;

/// <summary>
/// The original messages of repairs, beside the audit log: a folder with one file per repair, one JSON object per line. Only their owner can read
/// them.
/// </summary>
/// <param name="folder">The folder; created with the first file.</param>
internal sealed class OriginalMessages(string folder)
{
    private static readonly JsonSerializerOptions _json = new(JsonSerializerDefaults.Web);

    /// <summary>A line of a file.</summary>
    /// <param name="Id">The dead letter's id.</param>
    /// <param name="MessageId">Its MessageId; null if it has none.</param>
    /// <param name="Original">The message as it was, as JSON; null if it was erased.</param>
    private sealed record Line(string Id, string? MessageId, string? Original);

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
        {
            await using (var writer = new Utf8JsonWriter(lines))
                Write(writer, original);
            lines.WriteByte((byte)'\n');
        }
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
            if (!await ReadAsync(path, cancellationToken).AnyAsync(line => Erased(line, concerns) != line, cancellationToken))
                continue;
            operations.Add(Path.GetFileNameWithoutExtension(path));
            if (!dryRun)
                await EraseAsync(path, concerns, cancellationToken);
        }
        return operations;
    }

    private async Task EraseAsync(string path, Func<string, bool> concerns, CancellationToken cancellationToken)
    {
        await using var turn = await FileLock.TakeAsync(LockPath, cancellationToken);
        await PrivateFile.ReplaceAsync(path, ReadAsync(path, cancellationToken).Select(line => Erased(line, concerns)).Where(line => line is not null).Select(line => line!), cancellationToken);
    }

    private static void Write(Utf8JsonWriter writer, OriginalMessage original)
    {
        writer.WriteStartObject();
        writer.WriteString("id", original.Id);
        writer.WriteString("messageId", original.MessageId);
        writer.WriteString("original", original.Json.Span);
        writer.WriteEndObject();
    }

    private static async IAsyncEnumerable<string> ReadAsync(string path, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken)
    {
        using var reader = new StreamReader(new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete), Encoding.UTF8);
        while (await reader.ReadLineAsync(cancellationToken) is { } line)
            yield return line;
    }

    // Null if nothing of the line may stay.
    private static string? Erased(string line, Func<string, bool> concerns)
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
