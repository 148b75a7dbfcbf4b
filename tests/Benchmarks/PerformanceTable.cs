using System.Globalization;
using System.Runtime.InteropServices;
using WorkinIt.Dev;

namespace WorkinIt.Benchmarks;

/// <summary>The table in docs/performance.md. Each benchmark writes its own row and does not change the others.</summary>
internal static class PerformanceTable
{
    private const string Begin = "<!-- measured by ./bench -->\n";
    private const string End = "<!-- end of what was measured -->";
    private const string Heading = "| what | compared with | target | measured | reached | figures: median (lowest–highest) | CPU time per item | date, machine |\n|---|---|---|---|---|---|---|---|\n";

    /// <summary>Writes a row and prints it.</summary>
    /// <param name="what">The row's name.</param>
    /// <param name="beside">The limit or the peer.</param>
    /// <param name="reach">The target, such as "≥ 0.9"; "–" for none.</param>
    /// <param name="measured">The ratio, or another figure that is compared with the target.</param>
    /// <param name="reached">Whether the target was reached.</param>
    /// <param name="figures">The figures behind it.</param>
    /// <param name="cpu">CPU time per item, by process.</param>
    /// <param name="broker">The broker's version; null if no broker takes part.</param>
    public static async Task WriteAsync(string what, string beside, string reach, string measured, bool reached, string figures, string cpu = "–", string? broker = null)
    {
        var file = Path.Combine(Repository.Root, "docs", "performance.md");
        var text = await File.ReadAllTextAsync(file);
        var from = text.IndexOf(Begin, StringComparison.Ordinal) + Begin.Length;
        var to = text.IndexOf(End, from, StringComparison.Ordinal);
        if (from < Begin.Length || to < 0)
            throw new InvalidOperationException($"docs/performance.md lacks the markers {Begin.Trim()} and {End}");

        var rows = text[from..to].Split('\n').Where(line => line.StartsWith("| ", StringComparison.Ordinal)).Skip(1).ToList();
        var when = $"{DateTime.UtcNow:yyyy-MM-dd}, {Machine}{(broker is null ? "" : $", RabbitMQ {broker}")}";
        var row = $"| {what} | {beside} | {reach} | {measured} | {(reach == "–" ? "–" : reached ? "yes" : "**no**")} | {figures} | {cpu} | {when} |";
        var same = rows.FindIndex(old => Name(old) == what);
        if (same < 0)
            rows.Add(row);
        else
            rows[same] = row;
        await File.WriteAllTextAsync(file, text[..from] + Heading + string.Join('\n', rows) + '\n' + text[to..]);
        Console.WriteLine($"\n{Heading}{row}\n");
    }

    /// <summary>Formats a ratio.</summary>
    public static string Ratio(double value) => value.ToString(value < 10 ? "0.00" : "0", CultureInfo.InvariantCulture);

    /// <summary>The cores, the processor and the runtime.</summary>
    public static string Machine { get; } = string.Create(
        CultureInfo.InvariantCulture, $"{Environment.ProcessorCount} cores ({Model()}) shared by all processes, {RuntimeInformation.FrameworkDescription}");

    private static string Model()
    {
        var line = File.Exists("/proc/cpuinfo") ? File.ReadLines("/proc/cpuinfo").FirstOrDefault(line => line.StartsWith("model name", StringComparison.Ordinal)) : null;
        return line?[(line.IndexOf(':', StringComparison.Ordinal) + 1)..].Trim() ?? RuntimeInformation.ProcessArchitecture.ToString();
    }

    private static string Name(string row) => row.Split('|')[1].Trim();
}
