using System.Diagnostics;
using System.Globalization;

namespace WorkinIt.Testbed;

/// <summary>Reads the resource usage of a process from /proc.</summary>
public static class ProcessFigures
{
    /// <summary>The CPU time of all threads so far.</summary>
    /// <param name="id">The process id.</param>
    public static TimeSpan Cpu(int id)
    {
        using var process = Process.GetProcessById(id);
        return process.TotalProcessorTime;
    }

    /// <summary>The current resident memory, in MiB.</summary>
    /// <param name="id">The process id.</param>
    public static double Memory(int id) => Status(id, "VmRSS:");

    /// <summary>The part of the resident memory that is not file-backed, in MiB.</summary>
    /// <param name="id">The process id.</param>
    public static double OwnMemory(int id) => Status(id, "RssAnon:") + Status(id, "RssShmem:"); // compiled code is shared memory, mapped twice

    /// <summary>The peak resident memory, in MiB; 0 for a process that has ended.</summary>
    /// <param name="id">The process id.</param>
    public static double PeakMemory(int id) => Status(id, "VmHWM:");

    /// <summary>Makes the current resident memory the peak, so that <see cref="PeakMemory"/> reports the peak from now on.</summary>
    /// <param name="id">The process id.</param>
    public static void ForgetPeak(int id) => File.WriteAllText($"/proc/{id}/clear_refs", "5");

    private static double Status(int id, string name)
    {
        try
        {
            var line = File.ReadLines($"/proc/{id}/status").FirstOrDefault(line => line.StartsWith(name, StringComparison.Ordinal));
            return line is null ? 0 : double.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture) / 1024;
        }
        catch (IOException)
        {
            return 0; // the process has just ended
        }
    }
}
