using System.Diagnostics;
using WorkinIt.Dev.Machine;
using WorkinIt.Dev.Processes;
using WorkinIt.Dev.Testing;

namespace WorkinIt.Dev.Continuous;

/// <summary>
/// .ci/run: all checks that a change must pass. The parts after the scan need a Docker engine: the machine's, or one from ../shared/docker with images
/// built from packages.
/// </summary>
internal sealed class CiCommand
{
    private const string Usage = """
        Runs all checks that a change must pass: ./test, a scan of Web, the images and compose.yaml, compose.cluster.yaml, an upgrade, and the broker tests
        that depend on the RabbitMQ version, on RabbitMQ 4.3. All after the scan need a Docker engine.
        The last line is: N passed, N failed, N skipped.
        """;

    private const string RabbitMq = "4.3";
    private static readonly string _state = Path.Combine(Repository.Root, ".test");
    private readonly Tally _tally = new();
    private readonly CancellationToken _cancellation;

    private CiCommand(CancellationToken cancellation) => _cancellation = cancellation;

    /// <summary>Runs the command.</summary>
    /// <returns>The exit code.</returns>
    public static async Task<int> RunAsync(string[] arguments)
    {
        if (arguments is ["--help" or "-h"])
            return Verbs.Help(Usage);
        if (arguments.Length > 0)
            return Verbs.WrongUsage(Usage);
        Directory.CreateDirectory(_state);
        using var interrupts = new Interrupts();
        var ci = new CiCommand(interrupts.Token);
        try
        {
            await ci.RunPartsAsync();
        }
        catch (OperationCanceledException) when (interrupts.Token.IsCancellationRequested)
        {
            ci._tally.Fail(".ci/run ended early");
        }
        catch (Exception e) when (e is not OperationCanceledException) // the last line is printed after any failure
        {
            Output.Warn(e is ToolException ? e.Message : $"{e}");
            ci._tally.Fail(e.Message);
        }
        Output.Say("");
        foreach (var line in ci._tally.LastLines)
            Output.Say(line);
        return ci._tally is { Failed: 0, Passed: > 0 } ? 0 : 1;
    }

    private async Task RunPartsAsync()
    {
        await PartAsync();
        await PartAsync("scan");
        await using var engine = new SharedEngine(_state, _cancellation);
        if (!await DockerEngine.AnswersAsync() && !await engine.StartAsync(RabbitMq))
        {
            Output.Say($"No Docker engine answers, and {SharedEngine.Folder} has none: compose, cluster, upgrade and RabbitMQ {RabbitMq} were not tested.");
            return;
        }
        await PartAsync("compose");
        await PartAsync("cluster");
        await PartAsync("upgrade");
        await PartAsync("broker", "--rabbitmq", RabbitMq, "--again");
        await PartAsync("browser", "--rabbitmq", RabbitMq, "--again");
    }

    // Runs ./test once, shows its output, keeps it in ci.log, and adds the counts of its last line to the totals. One pipe for both of its outputs
    // keeps their lines in order.
    private async Task PartAsync(params string[] arguments)
    {
        Output.Say($"\n==== ./test {string.Join(' ', arguments)}");
        var start = new ProcessStartInfo("/bin/sh", ["-c", """exec setsid "$@" 2>&1 </dev/null""", "sh", Path.Combine(Repository.Root, "test"), .. arguments]) { RedirectStandardOutput = true };
        using var process = new Process { StartInfo = start };
        await using var log = new StreamWriter(Path.Combine(_state, "ci.log"));
        var output = new List<string>();
        process.OutputDataReceived += (_, line) =>
        {
            if (line.Data is null)
                return;
            Output.Say(line.Data);
            log.WriteLine(line.Data);
            output.Add(line.Data);
        };
        process.Start();
        process.BeginOutputReadLine();
        try
        {
            await process.WaitForExitAsync(_cancellation);
        }
        catch (OperationCanceledException)
        {
            CLibrary.Send(Signal.Terminate, process.Id); // it ends what it started
            await process.WaitForExitAsync(CancellationToken.None);
            throw;
        }
        finally
        {
            _tally.AddOutput($"./test {string.Join(' ', arguments)}", output);
        }
    }
}
