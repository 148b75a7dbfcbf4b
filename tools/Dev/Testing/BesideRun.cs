using System.Diagnostics;
using WorkinIt.Dev.Processes;

namespace WorkinIt.Dev.Testing;

/// <summary>
/// A second ./test, which runs parts in parallel because they wait more than they work. Broker tests don't: in parallel with Chromium on two cores,
/// each takes twice as long, and some come close to their timeout for a service.
/// </summary>
/// <param name="run">The first ./test.</param>
internal sealed class BesideRun(TestRun run) : IAsyncDisposable
{
    /// <summary>The environment variable that marks the second ./test.</summary>
    public const string Variable = "WORKINIT_TEST_IS_BESIDE";

    private Process? _process;

    private string Log => run.LogOf("beside");

    /// <summary>Starts it.</summary>
    /// <param name="parts">The parts to run.</param>
    public void Begin(params string[] parts) => _process = new Command(Path.Combine(Repository.Root, "test"), parts)
    {
        Log = Log,
        Variables = new Dictionary<string, string?> { [Variable] = "1" },
    }.Start();

    /// <summary>Waits until it ends, prints its output, and adds its counts.</summary>
    public async Task AwaitAsync()
    {
        if (_process is null)
            return;
        await _process.WaitForExitAsync(run.Cancellation);
        _process.Dispose();
        _process = null;
        string[] lines = [.. Output.Lines(Log)];
        foreach (var line in lines.SkipLast(1))
            Output.Say(line);
        run.Tally.AddOutput("./test style docs", lines);
        run.Unchecked = Array.Find(lines, line => line.StartsWith("NOT CHECKED", StringComparison.Ordinal));
    }

    /// <summary>Stops it, if it still runs.</summary>
    public async ValueTask DisposeAsync()
    {
        if (_process is null)
            return;
        CLibrary.Send(Signal.Terminate, _process.Id);
        await _process.WaitForExitAsync();
        _process.Dispose();
    }
}
