using System.Diagnostics;
using WorkinIt.Dev.Processes;

namespace WorkinIt.Dev.Documents;

/// <summary>A terminal in which a command keeps running.</summary>
internal sealed class ReaderTerminal : IDisposable
{
    private readonly Process _process;

    /// <summary>Types a command.</summary>
    /// <param name="copy">The copy of the source tree.</param>
    /// <param name="text">The command.</param>
    /// <param name="shown">The file for its output.</param>
    public ReaderTerminal(DocumentCopy copy, string text, string shown)
    {
        Shown = shown;
        _process = copy.Command(shown, "bash", "-c", text).Start();
    }

    /// <summary>The file with its output.</summary>
    public string Shown { get; }

    /// <summary>Waits until the output contains lines.</summary>
    /// <returns>Why it does not, or null.</returns>
    public async Task<string?> AwaitAsync(string expected, TimeSpan within, CancellationToken cancellation)
    {
        await Wait.UntilAsync(within, () => Difference(expected) is null || _process.HasExited, cancellation);
        return Difference(expected) is { } difference ? $"{difference}\nOutput of the terminal:\n{string.Join('\n', Output.Tail(Shown, 40))}" : null;
    }

    /// <summary>Presses Ctrl-C, which goes to all processes in the foreground, and waits until the command has ended.</summary>
    /// <returns>Why it failed, or null.</returns>
    public async Task<string?> EndAsync()
    {
        if (_process.HasExited)
            return null;
        CLibrary.Send(Signal.Interrupt, -_process.Id);
        if (await Ending.GoneAsync(_process.Id, TimeSpan.FromSeconds(60)))
            return null;
        CLibrary.Send(Signal.Kill, -_process.Id);
        return "The command did not stop within 60 s of Ctrl-C.";
    }

    /// <inheritdoc/>
    public void Dispose() => _process.Dispose();

    private string? Difference(string expected) =>
        ExpectedOutput.Difference(File.Exists(Shown) ? string.Join('\n', Output.Lines(Shown)) : "", expected, complete: false);
}
