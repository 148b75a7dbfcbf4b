namespace WorkinIt.Dev.Processes;

/// <summary>Paths of folders.</summary>
internal static class Folders
{
    /// <summary>Returns the absolute path without symbolic links, so that two commands with different paths recognize the same folder. It need not exist.</summary>
    public static string Canonical(string path)
    {
        var full = Path.TrimEndingDirectorySeparator(Path.GetFullPath(path));
        return Path.Exists(full) || Path.GetDirectoryName(full) is not { } parent
            ? CLibrary.RealPath(full)
            : Path.Combine(Canonical(parent), Path.GetFileName(full));
    }
}
