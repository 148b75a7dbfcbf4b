using System.Diagnostics;

namespace WorkinIt.Testbed;

/// <summary>A script of dev/ that keeps something in a folder: dev/broker, dev/cluster.</summary>
/// <param name="script">Its path.</param>
/// <param name="folder">The folder.</param>
internal sealed class DevScript(string script, string folder)
{
    /// <summary>The folder.</summary>
    public string Folder => folder;

    /// <summary>Variables that it gets beside those of this process.</summary>
    public Dictionary<string, string> Variables { get; } = [];

    /// <summary>Runs it to its end.</summary>
    /// <param name="verb">What to do.</param>
    /// <param name="arguments">What comes after the folder.</param>
    /// <exception cref="InvalidOperationException">It failed; says why.</exception>
    public async Task RunAsync(string verb, params string[] arguments)
    {
        var start = new ProcessStartInfo(script, [verb, folder, .. arguments]) { RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (var (variable, value) in Variables)
            start.Environment[variable] = value;
        using var process = Process.Start(start)!;
        // Not read to the end: the broker inherits these pipes and keeps them open.
        _ = process.StandardOutput.ReadToEndAsync();
        var errors = process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync();
        if (process.ExitCode != 0)
            throw new InvalidOperationException($"{Path.GetFileName(script)} {verb} {string.Join(' ', arguments)} failed: {(errors.IsCompleted ? await errors : "")}");
    }
}
