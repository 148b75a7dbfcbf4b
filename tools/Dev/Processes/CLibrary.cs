using System.ComponentModel;
using System.Runtime.InteropServices;

namespace WorkinIt.Dev.Processes;

/// <summary>Functions of the C library that .NET does not offer.</summary>
internal static partial class CLibrary
{
    /// <summary>Sends a signal to a process, or to a process group if <paramref name="id"/> is negative. Does nothing if it has ended.</summary>
    public static void Send(Signal signal, int id)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(Math.Abs((long)id), 2); // 0 and -1 mean "everybody"
        _ = kill(id, (int)signal);
    }

    /// <summary>Returns the path without symbolic links, or the path itself if it does not exist.</summary>
    public static string RealPath(string path)
    {
        var found = realpath(path, 0);
        if (found == 0)
            return path;
        try
        {
            return Marshal.PtrToStringUTF8(found)!;
        }
        finally
        {
            free(found);
        }
    }

    /// <summary>Replaces this process with another program, which keeps the terminal, the process id and the environment variables of the .NET process.</summary>
    /// <param name="program">The absolute path of the program.</param>
    /// <param name="arguments">Its arguments.</param>
    /// <exception cref="Win32Exception">The program could not be started.</exception>
    public static void Replace(string program, IEnumerable<string> arguments)
    {
        // .NET keeps its own copy of the environment.
        string?[] environment = [.. Environment.GetEnvironmentVariables().Cast<System.Collections.DictionaryEntry>().Select(entry => $"{entry.Key}={entry.Value}"), null];
        _ = execve(program, [program, .. arguments, null], environment);
        throw new Win32Exception(Marshal.GetLastPInvokeError());
    }

    [LibraryImport("libc", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int kill(int id, int signal);

    [LibraryImport("libc", StringMarshalling = StringMarshalling.Utf8)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial nint realpath(string path, nint resolved);

    [LibraryImport("libc")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial void free(nint memory);

    [LibraryImport("libc", StringMarshalling = StringMarshalling.Utf8, SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int execve(string program, string?[] arguments, string?[] environment);
}

/// <summary>The signals that the tool sends, by their numbers on Linux.</summary>
internal enum Signal
{
    /// <summary>Ctrl-C.</summary>
    Interrupt = 2,

    /// <summary>Ends a process at once.</summary>
    Kill = 9,

    /// <summary>Asks a process to end.</summary>
    Terminate = 15,

    /// <summary>Resumes a stopped process.</summary>
    Continue = 18,

    /// <summary>Stops a process until SIGCONT.</summary>
    Stop = 19,
}
