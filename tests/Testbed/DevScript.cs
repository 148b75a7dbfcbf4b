using System.Diagnostics;

namespace WorkinIt.Testbed;

/// <summary>A script in dev/ that keeps its state in a folder: dev/broker or dev/cluster.</summary>
/// <param name="script">The path of the script.</param>
/// <param name="folder">The folder that holds the state.</param>
internal sealed class DevScript(string script, string folder)
{
    /// <summary>The folder that holds the state.</summary>
    public string Folder => folder;

    /// <summary>Environment variables to set in addition to those of this process.</summary>
    public Dictionary<string, string> Variables { get; } = [];

    /// <summary>Runs the script and waits until it exits.</summary>
    /// <param name="verb">The script's first argument: what to do.</param>
    /// <param name="arguments">Arguments after the folder.</param>
    /// <exception cref="InvalidOperationException">The script failed. The message contains its error output.</exception>
    public async Task RunAsync(string verb, params string[] arguments)
    {
        var start = new ProcessStartInfo(script, [verb, folder, .. arguments]) { RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (var (variable, value) in Variables)
            start.Environment[variable] = value;
        using var process = Process.Start(start)!;
        // Don't wait for the end of the output: the broker inherits these pipes and keeps them open.
        _ = process.StandardOutput.ReadToEndAsync();
        var errors = process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync();
        if (process.ExitCode != 0)
            throw new InvalidOperationException($"{Path.GetFileName(script)} {verb} {string.Join(' ', arguments)} failed: {(errors.IsCompleted ? await errors : "")}");
    }
}
