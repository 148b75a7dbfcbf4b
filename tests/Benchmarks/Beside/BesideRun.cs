using System.Diagnostics;
using System.Globalization;
using RabbitMQ.Client.Exceptions;
using WorkinIt.Dev.Benchmarks;
using WorkinIt.Testbed;

namespace WorkinIt.Benchmarks.Beside;

/// <summary><c>./bench --beside</c>: measures two builds alternately, on the same broker, and writes the table.</summary>
/// <param name="rounds">How often each row is measured.</param>
/// <param name="rows">The rows.</param>
internal sealed class BesideRun(int rounds, IReadOnlyList<BesideRow> rows)
{
    private readonly string[] _services = [TestBroker.Required("WORKINIT_TEST_BIN"), TestBroker.Required("WORKINIT_BENCH_OTHER_BIN")]; // this build, the other one
    private readonly string _other = TestBroker.Required("WORKINIT_BENCH_OTHER");
    private readonly string _file = TestBroker.Required("WORKINIT_BENCH_TABLE");
    private readonly List<(BesideFigure Figure, Comparison? Comparison)> _lines = [];
    private readonly List<string> _failures = [];
    private readonly TimeLeft _timeLeft = new(rows, rounds);
    private readonly Stopwatch _clock = Stopwatch.StartNew();
    private string _about = "";

    /// <summary>Measures the rows.</summary>
    /// <returns>The exit code: 1 if a row could not be measured.</returns>
    public static Task<int> RunAsync(int rounds, IReadOnlyList<BesideRow> rows) => new BesideRun(rounds, rows).RunAsync();

    private async Task<int> RunAsync()
    {
        using (var broker = TestBroker.FromEnvironment())
            _about = About(await broker.VersionAsync());
        for (var row = 0; row < rows.Count; row++)
        {
            await MeasureAsync(row);
            await WriteAsync(); // an interrupted run leaves what it has measured
        }
        Console.WriteLine($"\n{await File.ReadAllTextAsync(_file)}\nWritten to {_file}");
        return _failures.Count == 0 ? 0 : 1;
    }

    private async Task MeasureAsync(int row)
    {
        try
        {
            var measured = await RoundsAsync(row);
            _lines.AddRange(rows[row].Figures.Select((figure, index) => (figure, (Comparison?)new Comparison([.. measured.Select(round => (round[0][index], round[1][index]))]))));
        }
        catch (Exception e) when (e is InvalidOperationException or TimeoutException or HttpRequestException or IOException or RabbitMQClientException or OperationCanceledException)
        {
            _lines.AddRange(rows[row].Figures.Select(figure => (figure, (Comparison?)null)));
            _failures.Add($"{rows[row].Name}: {e.Message}");
            await Console.Error.WriteLineAsync($"{rows[row].Name} could not be measured: {e.Message}");
        }
    }

    // For each round the figures of both builds. Each build is the first one in every other round: a machine that slows down affects both alike.
    private async Task<IReadOnlyList<IReadOnlyList<double>[]>> RoundsAsync(int row)
    {
        Say(row, 0);
        await using var here = await BesideMeasurement.CreateAsync(rows[row].Name, _services[0]);
        await using var other = await BesideMeasurement.CreateAsync(rows[row].Name, _services[1]);
        await here.PrepareAsync();
        await other.PrepareAsync();
        var measured = new List<IReadOnlyList<double>[]>();
        for (var round = 1; round <= rounds; round++)
        {
            Say(row, round);
            var first = await (round % 2 == 1 ? here : other).MeasureAsync();
            var second = await (round % 2 == 1 ? other : here).MeasureAsync();
            measured.Add(round % 2 == 1 ? [first, second] : [second, first]);
        }
        return measured;
    }

    private void Say(int row, int round) => Console.WriteLine(_timeLeft.Describe(row, round, _clock.Elapsed));

    private async Task WriteAsync()
    {
        var failures = string.Concat(_failures.Select(failure => $"\n- {failure.ReplaceLineEndings(" ")}"));
        await File.WriteAllTextAsync(_file, $"{_about}\n\n{BesideTable.Of(_other, _lines)}\n{(failures.Length == 0 ? "" : $"\nNot measured:\n{failures}\n")}");
    }

    private string About(string version) => string.Create(
        CultureInfo.InvariantCulture,
        $"This: {TestBroker.Required("WORKINIT_BENCH_THIS")}. Beside: {_other}. {rounds} rounds, alternating. {DateTime.UtcNow:yyyy-MM-dd HH:mm} UTC, {PerformanceTable.Machine}, RabbitMQ {version}, load average before the run {Load()}.");

    private static string Load() => File.Exists("/proc/loadavg") ? File.ReadAllText("/proc/loadavg").Split(' ')[0] : "unknown";
}
