using System.Globalization;

namespace WorkinIt.Benchmarks;

/// <summary>One side of a comparison over the rounds: so many items a second, and the CPU time that each process used for one.</summary>
internal sealed class Series
{
    private readonly List<double> _rates = [];
    private readonly List<(string Process, double Milliseconds)> _cpu = [];

    /// <summary>Items a second.</summary>
    public double Median => MedianOf(_rates);

    public string Text => string.Create(CultureInfo.InvariantCulture, $"{Number(Median)}/s ({Number(_rates.Min())}–{Number(_rates.Max())})");

    /// <summary>As in: Consumers 0.31 ms, broker 0.12 ms.</summary>
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

/// <summary>CPU time of some processes between two moments.</summary>
/// <param name="processes">Their names and ids.</param>
internal sealed class CpuClock(params IReadOnlyList<(string Name, int Id)> processes)
{
    private readonly TimeSpan[] _before = [.. processes.Select(process => ProcessFigures.Cpu(process.Id))];

    /// <summary>Milliseconds for each item since this was made.</summary>
    public IReadOnlyList<(string Process, double Milliseconds)> PerItem(double items) =>
        [.. processes.Select((process, index) => (process.Name, (ProcessFigures.Cpu(process.Id) - _before[index]).TotalMilliseconds / items))];
}
