using System.Diagnostics;
using WorkinIt.Dev.Processes;

namespace WorkinIt.Dev.Documents;

/// <summary>The shell into which a reader types block after block. Each command must succeed.</summary>
internal sealed class ReaderShell : IDisposable
{
    private readonly Process _process;
    private readonly StreamWriter _typed;

    /// <summary>Starts the shell.</summary>
    /// <param name="copy">The copy of the source tree.</param>
    /// <param name="folder">The folder for its files.</param>
    public ReaderShell(DocumentCopy copy, string folder)
    {
        var pipe = Path.Combine(folder, "typed");
        File.Delete(pipe);
        using (var mkfifo = Process.Start("mkfifo", [pipe]))
            mkfifo.WaitForExit();
        _process = copy.Command("/dev/null", "bash", "-c", """exec bash -eo pipefail <"$0" """, pipe).Start();
        _typed = new StreamWriter(new FileStream(pipe, FileMode.Open, FileAccess.Write, FileShare.ReadWrite)) { AutoFlush = true };
    }

    /// <summary>Types a block and waits until its commands have ended.</summary>
    /// <param name="text">The block.</param>
    /// <param name="shown">The file for its output.</param>
    /// <param name="within">The time limit.</param>
    /// <param name="cancellation">Cancels the wait.</param>
    /// <returns>Why it failed, or null.</returns>
    public async Task<string?> TypeAsync(string text, string shown, TimeSpan within, CancellationToken cancellation)
    {
        var done = shown + ".done";
        await _typed.WriteAsync($"exec >'{shown}' 2>&1\n{{\n{text}\n}} </dev/null\n: >'{done}'\n");
        if (!await Wait.UntilAsync(within, () => File.Exists(done) || _process.HasExited, cancellation))
            return $"It did not end within {within.TotalSeconds:0} s.";
        return File.Exists(done) ? null : "A command failed.";
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        CLibrary.Send(Signal.Kill, -_process.Id);
        _process.WaitForExit();
        _process.Dispose();
        try
        {
            _typed.Dispose();
        }
        catch (IOException)
        {
            // The shell has ended before.
        }
    }
}
