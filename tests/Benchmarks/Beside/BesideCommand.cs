using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;
using WorkinIt.Dev.Benchmarks;
using WorkinIt.Messaging;
using WorkinIt.Testbed;

namespace WorkinIt.Benchmarks.Beside;

/// <summary>The operator's command, from the start of its process to its end.</summary>
internal sealed partial class BesideCommand(WorkinItSystem system) : BesideMeasurement(system)
{
    private const int RunsPerRound = 3;

    // The shell reports the CPU time of its children: /proc no longer contains it when the process has ended.
    private const string Script = """dotnet "$@" >/dev/null; code=$?; times; exit $code""";

    /// <inheritdoc/>
    public override async Task PrepareAsync()
    {
        await System.PrepareAsync();
        await MeasureAsync(); // warms the disk cache
    }

    /// <inheritdoc/>
    public override async Task<IReadOnlyList<double>> MeasureAsync()
    {
        var help = await RunAsync("dead-letters", "--help");
        var list = await RunAsync("dead-letters", "list", "--queue", QueueTopology.ErrorQueue);
        return [help.Milliseconds, help.Cpu, list.Milliseconds, list.Cpu];
    }

    private async Task<(double Milliseconds, double Cpu)> RunAsync(params string[] arguments)
    {
        var runs = new List<(double Milliseconds, double Cpu)>();
        while (runs.Count < RunsPerRound)
            runs.Add(await RunOnceAsync(arguments));
        return (Comparison.Median(runs.Select(run => run.Milliseconds)), Comparison.Median(runs.Select(run => run.Cpu)));
    }

    private async Task<(double Milliseconds, double Cpu)> RunOnceAsync(string[] arguments)
    {
        var start = new ProcessStartInfo("/bin/sh", ["-c", Script, "sh", Path.Combine(System.Services!, "Cli", "WorkinIt.Cli.dll"), .. arguments])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach (var (name, value) in OperatorCommand.DefaultSettings(System))
            start.Environment[name] = value;
        var clock = Stopwatch.StartNew();
        using var process = Process.Start(start)!;
        process.StandardInput.Close();
        var (output, errors) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        await process.WaitForExitAsync();
        var took = clock.Elapsed.TotalMilliseconds;
        return process.ExitCode == 0 ? (took, Cpu(await output))
            : throw new InvalidOperationException($"workinit {string.Join(' ', arguments)} ended with {process.ExitCode}: {await errors}");
    }

    // The second line is that of the children, such as: 0m0.310000s 0m0.050000s
    private static double Cpu(string times) => Time().Matches(times.Trim().Split('\n')[^1])
        .Sum(time => 1000 * ((60 * double.Parse(time.Groups[1].Value, CultureInfo.InvariantCulture)) + double.Parse(time.Groups[2].Value, CultureInfo.InvariantCulture)));

    [GeneratedRegex(@"(\d+)m([\d.]+)s")]
    private static partial Regex Time();
}
