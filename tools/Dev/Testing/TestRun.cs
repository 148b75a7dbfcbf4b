using System.Diagnostics;
using WorkinIt.Dev.Processes;

namespace WorkinIt.Dev.Testing;

/// <summary>One ./test: its folder, its counts, and how its steps are run and shown.</summary>
/// <param name="state">The folder for everything that it writes.</param>
/// <param name="cancellation">Cancelled by a signal.</param>
internal sealed class TestRun(string state, CancellationToken cancellation)
{
    /// <summary>The folder for everything that the run writes.</summary>
    public string State => state;

    /// <summary>Cancelled by a signal.</summary>
    public CancellationToken Cancellation => cancellation;

    /// <summary>The counts.</summary>
    public Tally Tally { get; } = new();

    /// <summary>What could not be checked because no registry has the data; null if all was checked.</summary>
    public string? Unchecked { get; set; }

    /// <summary>Returns the path of a log.</summary>
    public string LogOf(string name) => Path.Combine(state, "logs", $"{name.Replace(' ', '-')}.log");

    /// <summary>Prints the heading of a part.</summary>
    public static void Heading(string text) => Output.Say($"\n== {text}");

    /// <summary>Runs a command in its own session, and then kills all that it left behind. A signal kills the command.</summary>
    /// <returns>Its exit code.</returns>
    public async Task<int> InTurnAsync(Command command)
    {
        using var process = command.Start();
        try
        {
            await process.WaitForExitAsync(cancellation);
            return process.ExitCode;
        }
        finally
        {
            if (!process.HasExited)
                CLibrary.Send(Signal.Kill, process.Id); // at its very start it does not lead its group yet
            CLibrary.Send(Signal.Kill, -process.Id);
            await Ending.GoneAsync(process.Id, TimeSpan.FromSeconds(20)); // before its servers and its lock go
        }
    }

    /// <summary>Runs a step, and counts it as a failure if it fails.</summary>
    /// <returns>Whether it succeeded.</returns>
    public async Task<bool> CheckAsync(string name, string program, params string[] arguments)
    {
        Heading(name);
        var log = LogOf(name);
        if (await InTurnAsync(new Command(program, arguments) { Folder = Repository.Root, Log = log }) == 0)
            return true;
        Tally.Fail(name);
        string[] errors = [.. Output.Lines(log).Where(line => line.Contains(": error ", StringComparison.Ordinal)).Distinct().Order(StringComparer.Ordinal).Take(40)];
        foreach (var line in errors.Length > 0 ? errors : Output.Tail(log, 40))
            Output.Say(line);
        Output.Say($"FAILED: {name}. Full output: {log}");
        return false;
    }

    /// <summary>Runs one test that is written here, and counts it.</summary>
    /// <param name="name">What is tested.</param>
    /// <param name="log">The file for the details.</param>
    /// <param name="work">The test. It fails with any exception.</param>
    /// <returns>Whether it passed.</returns>
    public async Task<bool> TryAsync(string name, string log, Func<StepLog, Task> work)
    {
        var clock = Stopwatch.StartNew();
        using var details = new StepLog(log, cancellation);
        try
        {
            await work(details);
            Tally.Pass();
            Output.Say($"  passed  {name} ({clock.Elapsed.TotalSeconds:0} s)");
            return true;
        }
        catch (Exception e) when (e is not OperationCanceledException || !cancellation.IsCancellationRequested)
        {
            Tally.Fail(name);
            foreach (var line in details.Tail(20))
                Output.Say(line);
            Output.Say(e.Message);
            Output.Say($"  FAILED  {name}. Output: {log}");
            return false;
        }
    }
}
