using System.Diagnostics;
using WorkinIt.Dev.Processes;

namespace WorkinIt.Dev.Running;

/// <summary>Web or Consumers, as a process of ./run --local.</summary>
/// <param name="project">Web or Consumers.</param>
/// <param name="runFolder">The folder for the state of ./run.</param>
internal sealed class LocalService(string project, string runFolder)
{
    private readonly PidFile _pid = new(Path.Combine(runFolder, $"{project.ToLowerInvariant()}.pid"));
    private Process? _started; // by this process

    /// <summary>The service's log.</summary>
    public string Log => LogOf(project.ToLowerInvariant());

    // Its own folder has its settings and pages.
    private string Folder => Path.Combine(runFolder, "bin", project);

    /// <summary>Whether the service runs.</summary>
    public bool IsRunning => _pid.Running is not null;

    /// <summary>Starts the service without waiting until it is ready.</summary>
    /// <param name="variables">Its settings.</param>
    public void Start(IReadOnlyDictionary<string, string?> variables)
    {
        if (File.Exists(Log))
            File.Move(Log, Log + ".1", overwrite: true); // keep the log of the previous run: it is often the one you need
        _started?.Dispose();
        _started = new Command("dotnet", $"WorkinIt.{project}.dll") { Folder = Folder, Log = Log, Variables = variables }.Start();
        _pid.Remember(_started.Id);
    }

    /// <summary>Runs a one-time command of the service, which must succeed.</summary>
    /// <param name="name">The name of its log.</param>
    /// <param name="argument">The argument, such as --migrate.</param>
    /// <param name="variables">Its settings.</param>
    /// <param name="cancellation">Cancels it.</param>
    /// <exception cref="ToolException">It failed.</exception>
    public async Task RunOnceAsync(string name, string argument, IReadOnlyDictionary<string, string?> variables, CancellationToken cancellation)
    {
        var log = LogOf(name);
        var command = new Command("dotnet", $"WorkinIt.{project}.dll", argument) { Folder = Folder, Log = log, Variables = variables };
        if (await command.RunAsync(cancellation) == 0)
            return;
        var broker = Path.Combine(runFolder, "broker");
        if (Output.Lines(log).Any(line => line.Contains("PRECONDITION_FAILED", StringComparison.Ordinal)))
            Output.Warn($"A queue in {broker} was declared with different arguments than this version uses. To start with a new broker (its messages are lost): rm -r {broker}");
        Output.WarnTail(log);
        throw new ToolException($"{project} {argument} failed. Full output: {log}");
    }

    /// <summary>Prints the end of the log, if the service has ended.</summary>
    /// <returns>Whether it still runs.</returns>
    public bool WarnIfEnded()
    {
        if (IsRunning)
            return true;
        Output.Warn(EndText);
        Output.WarnTail(Log);
        return false;
    }

    /// <summary>Which service ended and how, and where its log is; for a service that this process has started and that has ended.</summary>
    public string EndText
    {
        get
        {
            // A process that a signal ended has the exit code 128 + signal, as in a shell.
            var how = _started?.WaitForExit(TimeSpan.FromSeconds(5)) != true ? ""
                : _started.ExitCode == 128 + (int)Signal.Kill ? " (SIGKILL: by a user, or by the kernel because memory was short; see dmesg)"
                : _started.ExitCode > 128 ? $" (signal {_started.ExitCode - 128})"
                : $" (exit code {_started.ExitCode})";
            return $"{project} ended unexpectedly{how}, so everything else is stopped. The last lines of its log, {Log}:";
        }
    }

    /// <summary>Stops the service in order.</summary>
    /// <param name="patience">After this time it is killed.</param>
    /// <param name="message">Printed after 2 s.</param>
    public async Task StopAsync(TimeSpan patience, string? message = null)
    {
        var running = _pid.Running;
        _pid.Forget();
        if (running is not { } id || (id != _started?.Id && !ProcessTable.Machine.WorksIn(id, Folder)))
            return;
        CLibrary.Send(Signal.Terminate, id);
        if (message is not null && !await Ending.GoneAsync(id, TimeSpan.FromSeconds(2)))
            Output.Say(message);
        if (await Ending.GoneAsync(id, patience))
            return;
        Output.Warn($"{project} did not stop within {patience.TotalSeconds:0} s and was killed.");
        CLibrary.Send(Signal.Kill, id);
    }

    /// <summary>Stops the service that a killed ./run left behind. A copied folder has the process id of the original's service, which works in another folder.</summary>
    public async Task EndLeftoverAsync()
    {
        if (_pid.Running is { } id && ProcessTable.Machine.WorksIn(id, Folder))
            await Ending.EndAsync(id, TimeSpan.FromSeconds(30));
    }

    private string LogOf(string name) => Path.Combine(runFolder, "logs", $"{name}.log");
}
