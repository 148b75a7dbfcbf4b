using System.Diagnostics;
using System.Globalization;

namespace WorkinIt.Benchmarks;

/// <summary>What a process has used, out of /proc.</summary>
internal static class ProcessFigures
{
    /// <summary>CPU time of all its threads so far.</summary>
    public static TimeSpan Cpu(int id)
    {
        using var process = Process.GetProcessById(id);
        return process.TotalProcessorTime;
    }

    /// <summary>Resident memory now, MiB.</summary>
    public static double Memory(int id) => Status(id, "VmRSS:");

    /// <summary>Of that, what is the process's own and no file's, MiB.</summary>
    public static double OwnMemory(int id) => Status(id, "RssAnon:") + Status(id, "RssShmem:"); // compiled code is shared memory, mapped twice

    /// <summary>The most that was resident at any time, MiB; 0 for a process that has ended.</summary>
    public static double PeakMemory(int id) => Status(id, "VmHWM:");

    private static double Status(int id, string name)
    {
        try
        {
            var line = File.ReadLines($"/proc/{id}/status").FirstOrDefault(line => line.StartsWith(name, StringComparison.Ordinal));
            return line is null ? 0 : double.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture) / 1024;
        }
        catch (IOException)
        {
            return 0; // it has just ended
        }
    }
}
