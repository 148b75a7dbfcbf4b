using System.Globalization;
using WorkinIt.Testbed;

namespace WorkinIt.Benchmarks;

/// <summary>One side of a comparison over all rounds: items per second, and the CPU time that each process used per item.</summary>
internal sealed class Series
{
    private readonly List<double> _rates = [];
    private readonly List<(string Process, double Milliseconds)> _cpu = [];

    /// <summary>The median, in items per second.</summary>
    public double Median => MedianOf(_rates);

    public string Text => string.Create(CultureInfo.InvariantCulture, $"{Number(Median)}/s ({Number(_rates.Min())}–{Number(_rates.Max())})");

    /// <summary>The median CPU time per item of each process, such as: Consumers 0.31 ms, broker 0.12 ms.</summary>
    public string Cpu => string.Join(", ", _cpu.GroupBy(entry => entry.Process).Select(process =>
        string.Create(CultureInfo.InvariantCulture, $"{process.Key} {MedianOf(process.Select(entry => entry.Milliseconds)):0.000} ms")));

    public void Add(double itemsPerSecond, params IEnumerable<(string Process, double Milliseconds)> cpuPerItem)
    {
        _rates.Add(itemsPerSecond);
        _cpu.AddRange(cpuPerItem);
    }

    public static double MedianOf(IEnumerable<double> values)
    {
        var sorted = values.Order().ToArray();
        return sorted[sorted.Length / 2];
    }

    private static string Number(double rate) => rate.ToString(rate < 100 ? "0.0" : "N0", CultureInfo.InvariantCulture);
}

/// <summary>Measures the CPU time of some processes from its creation on.</summary>
/// <param name="processes">The names and ids of the processes.</param>
internal sealed class CpuClock(params IReadOnlyList<(string Name, int Id)> processes)
{
    private readonly TimeSpan[] _before = [.. processes.Select(process => ProcessFigures.Cpu(process.Id))];

    /// <summary>Returns the CPU time per item since creation, in milliseconds.</summary>
    public IReadOnlyList<(string Process, double Milliseconds)> PerItem(double items) =>
        [.. processes.Select((process, index) => (process.Name, (ProcessFigures.Cpu(process.Id) - _before[index]).TotalMilliseconds / items))];
}
