namespace WorkinIt.Dev.Processes;

/// <summary>A lock on a file, the same as that of the command <c>flock</c>. It is released when this process ends in any way; children don't inherit it.</summary>
internal sealed class FileLock : IDisposable
{
    private readonly FileStream _file;

    private FileLock(FileStream file) => _file = file;

    /// <summary>Takes the lock, or returns null if another process holds it.</summary>
    /// <param name="path">The file, which is created if it does not exist.</param>
    public static FileLock? TryTake(string path)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        try
        {
            return new FileLock(new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None));
        }
        catch (IOException)
        {
            return null;
        }
    }

    /// <summary>Waits for the lock.</summary>
    public static async Task<FileLock> TakeAsync(string path, CancellationToken cancellation = default)
    {
        FileLock? taken;
        while ((taken = TryTake(path)) is null)
            await Task.Delay(100, cancellation);
        return taken;
    }

    /// <inheritdoc/>
    public void Dispose() => _file.Dispose();
}
