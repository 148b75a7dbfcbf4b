using System.Text;

namespace WorkinIt.DeadLetters;

/// <summary>Files that only their owner can read.</summary>
internal static class PrivateFile
{
    /// <summary>Options that write through to the disk, and create the file readable only by its owner.</summary>
    public static FileStreamOptions Options(FileMode mode, FileAccess access, UnixFileMode unixMode = UnixFileMode.UserRead | UnixFileMode.UserWrite)
    {
        var options = new FileStreamOptions { Mode = mode, Access = access, Share = FileShare.ReadWrite, Options = FileOptions.WriteThrough };
        if (!OperatingSystem.IsWindows())
            options.UnixCreateMode = unixMode;
        return options;
    }

    /// <summary>Whether the file is empty or its last line is complete.</summary>
    public static bool EndsInALine(FileStream file)
    {
        if (file.Length == 0)
            return true;
        file.Seek(-1, SeekOrigin.End);
        return file.ReadByte() == '\n';
    }

    /// <summary>Replaces a file's lines. Nothing is changed until the new file replaces the old one.</summary>
    public static async Task ReplaceAsync(string path, IAsyncEnumerable<string> lines, CancellationToken cancellationToken)
    {
        var fresh = $"{path}.{Guid.NewGuid():N}";
        var options = Options(FileMode.CreateNew, FileAccess.Write);
        if (!OperatingSystem.IsWindows())
            options.UnixCreateMode = File.GetUnixFileMode(path);
        try
        {
            await using (var file = new FileStream(fresh, options))
            {
                await foreach (var line in lines)
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
}

/// <summary>A lock between processes on one machine. It is a separate file, because an erasure replaces the file that it guards.</summary>
internal static class FileLock
{
    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan _retry = TimeSpan.FromMilliseconds(10);

    /// <summary>Waits for the lock; dispose the result to release it.</summary>
    /// <exception cref="IOException">Another process held it for too long.</exception>
    public static async Task<FileStream> TakeAsync(string path, CancellationToken cancellationToken)
    {
        var options = PrivateFile.Options(FileMode.OpenOrCreate, FileAccess.ReadWrite);
        (options.Share, options.Options) = (FileShare.None, FileOptions.None);
        var until = DateTimeOffset.UtcNow + _patience;
        while (true)
        {
            try
            {
                return new FileStream(path, options);
            }
            catch (IOException) when (DateTimeOffset.UtcNow < until)
            {
                await Task.Delay(_retry, cancellationToken);
            }
        }
    }
}
