using System.Globalization;
using System.Text;

namespace WorkinIt.Dev.Processes;

/// <summary>The processes of this machine, as Linux shows them in /proc.</summary>
/// <param name="root">The folder: /proc, or a copy of its structure in a test.</param>
internal sealed class ProcessTable(string root)
{
    /// <summary>The processes of this machine.</summary>
    public static ProcessTable Machine { get; } = new("/proc");

    /// <summary>
    /// Returns whether a process runs. A zombie does not count as running, unless other threads of it have not ended yet: until they have, its ports
    /// stay in use.
    /// </summary>
    public bool IsRunning(int id) => Fields(id) is [var state, ..] fields && (state is not ("Z" or "X") || fields is { Length: > 17 } && fields[17] is not ("0" or "1"));

    /// <summary>Returns the process's start time and the boot id, or null if it does not run: a process id alone may have been reused.</summary>
    public string? StartedAt(int id) =>
        Fields(id) is { Length: > 19 } fields ? $"{fields[19]} {Read(Path.Combine(root, "sys/kernel/random/boot_id")).Trim()}" : null;

    /// <summary>
    /// Returns whether the environment of a process contains an assignment, such as <c>NAME=value</c>. Returns null if it has no environment: at the
    /// moment when a process becomes another program, or if it belongs to another user.
    /// </summary>
    public bool? HasVariable(int id, string assignment)
    {
        var environment = Read(FileOf(id, "environ"));
        // Each variable ends with a zero byte. Without the last one, the process became another program while its environment was read.
        return environment.EndsWith('\0') ? environment.Split('\0').Contains(assignment, StringComparer.Ordinal) : null;
    }

    /// <summary>Returns whether the command line of a process contains an argument.</summary>
    public bool HasArgument(int id, string argument) => Strings(id, "cmdline").Contains(argument, StringComparer.Ordinal);

    /// <summary>Returns whether the working folder of a process is this folder.</summary>
    public bool WorksIn(int id, string folder)
    {
        try
        {
            return new FileInfo(FileOf(id, "cwd")).LinkTarget is { } target && target == CLibrary.RealPath(folder);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }

    // The fields of stat after the name, which may contain any character. The first one is the state.
    private string[] Fields(int id)
    {
        var stat = Read(FileOf(id, "stat"));
        return stat.LastIndexOf(')') is >= 0 and var end ? stat[(end + 1)..].Split(' ', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries) : [];
    }

    private string[] Strings(int id, string file) => Read(FileOf(id, file)).Split('\0');

    private string FileOf(int id, string file) => Path.Combine(root, id.ToString(CultureInfo.InvariantCulture), file);

    private static string Read(string file)
    {
        try
        {
            return File.ReadAllText(file, Encoding.UTF8);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return ""; // the process has ended, or belongs to another user
        }
    }
}
