using System.ComponentModel;
using System.Diagnostics;

namespace WorkinIt.Dev.Processes;

/// <summary>A program to run.</summary>
/// <param name="program">Its name or path.</param>
/// <param name="arguments">Its arguments.</param>
internal sealed class Command(string program, params IEnumerable<string> arguments)
{
    /// <summary>Its working folder; null uses that of this process.</summary>
    public string? Folder { get; init; }

    /// <summary>The file for its output, which is replaced; null uses the output of this process.</summary>
    public string? Log { get; init; }

    /// <summary>Variables to set in addition to those of this process; null removes one.</summary>
    public IReadOnlyDictionary<string, string?> Variables { get; init; } = new Dictionary<string, string?>();

    /// <summary>
    /// Starts it without input and in its own session. A terminal's Ctrl-C does not reach it then, and its process id is also the id of its process
    /// group, with everything that it starts.
    /// </summary>
    public Process Start()
    {
        // The shell opens the files, and setsid creates the session; both become the program, so the process id stays the same.
        var script = Log is null ? """exec setsid "$@" </dev/null""" : """exec setsid "$@" >"$0" 2>&1 </dev/null""";
        var start = new ProcessStartInfo("/bin/sh", ["-c", script, Log ?? "sh", program, .. arguments]);
        Prepare(start);
        return Process.Start(start)!;
    }

    /// <summary>Starts it like <see cref="Start"/> and waits until it exits. A cancellation ends all its processes.</summary>
    /// <returns>Its exit code.</returns>
    public async Task<int> RunAsync(CancellationToken cancellation = default)
    {
        using var process = Start();
        try
        {
            await process.WaitForExitAsync(cancellation);
            return process.ExitCode;
        }
        catch (OperationCanceledException)
        {
            CLibrary.Send(Signal.Terminate, -process.Id);
            if (!await Ending.GoneAsync(process.Id, TimeSpan.FromSeconds(10))) // the caller may hold a lock for it
                CLibrary.Send(Signal.Kill, -process.Id);
            throw;
        }
    }

    /// <summary>Runs it without input, in the session of this process, and returns its output.</summary>
    /// <param name="within">After this time it is killed, and the result has the exit code 124; null waits for ever.</param>
    /// <param name="cancellation">Kills it.</param>
    /// <returns>Its output. As in a shell, the exit code is 127 if it can't be started.</returns>
    public async Task<CommandOutput> CaptureAsync(TimeSpan? within = null, CancellationToken cancellation = default)
    {
        try
        {
            return await RunWithPipesAsync(within, cancellation);
        }
        catch (Win32Exception e)
        {
            return new CommandOutput(127, "", e.Message + "\n");
        }
    }

    /// <summary>Returns whether a program is in one of the folders of PATH.</summary>
    public static bool Exists(string program) => Find(program) is not null;

    /// <summary>Returns the path of a program in one of the folders of PATH, or null.</summary>
    public static string? Find(string program) => (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':', StringSplitOptions.RemoveEmptyEntries)
        .Select(folder => Path.Combine(folder, program))
        .FirstOrDefault(file => File.Exists(file) && File.GetUnixFileMode(file).HasFlag(UnixFileMode.OtherExecute));

    private async Task<CommandOutput> RunWithPipesAsync(TimeSpan? within, CancellationToken cancellation)
    {
        var start = new ProcessStartInfo(program, arguments) { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true };
        Prepare(start);
        using var process = Process.Start(start)!;
        process.StandardInput.Close();
        var (output, errors) = (process.StandardOutput.ReadToEndAsync(CancellationToken.None), process.StandardError.ReadToEndAsync(CancellationToken.None));
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        limit.CancelAfter(within ?? Timeout.InfiniteTimeSpan);
        try
        {
            await process.WaitForExitAsync(limit.Token);
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            cancellation.ThrowIfCancellationRequested();
            return new CommandOutput(124, await EndOfAsync(output), await EndOfAsync(errors));
        }
        return new CommandOutput(process.ExitCode, await output, await errors);
    }

    // A process that escaped the kill may keep the pipe open.
    private static async Task<string> EndOfAsync(Task<string> text) => await Task.WhenAny(text, Task.Delay(TimeSpan.FromSeconds(1))) == text ? await text : "";

    private void Prepare(ProcessStartInfo start)
    {
        start.WorkingDirectory = Folder ?? "";
        foreach (var (name, value) in Variables)
        {
            if (value is null)
                start.Environment.Remove(name);
            else
                start.Environment[name] = value;
        }
    }
}

/// <summary>The result of a program.</summary>
/// <param name="Code">Its exit code.</param>
/// <param name="Output">Its standard output.</param>
/// <param name="Errors">Its standard error.</param>
internal sealed record CommandOutput(int Code, string Output, string Errors)
{
    /// <summary>Whether it succeeded.</summary>
    public bool Succeeded => Code == 0;
}
