using WorkinIt.Dev.Processes;

namespace WorkinIt.Dev.Testing;

/// <summary>The details of one test, shown if it fails. A signal ends the commands and waits of the test.</summary>
internal sealed class StepLog : IDisposable
{
    private readonly string _file;
    private readonly StreamWriter _writer;

    /// <summary>Creates the file.</summary>
    public StepLog(string file, CancellationToken cancellation)
    {
        Cancellation = cancellation;
        Directory.CreateDirectory(Path.GetDirectoryName(file)!);
        _file = file;
        _writer = new StreamWriter(new FileStream(file, FileMode.Create, FileAccess.Write, FileShare.ReadWrite)) { AutoFlush = true };
    }

    /// <summary>Cancelled by a signal.</summary>
    public CancellationToken Cancellation { get; }

    /// <summary>Adds a line.</summary>
    public void Say(string line) => _writer.WriteLine(line);

    /// <summary>Returns the last lines.</summary>
    public IEnumerable<string> Tail(int lines) => Output.Tail(_file, lines);

    /// <summary>Runs a command, which must succeed, and adds its output.</summary>
    /// <returns>Its standard output.</returns>
    /// <exception cref="ToolException">It failed.</exception>
    public async Task<string> RunAsync(string program, params IReadOnlyList<string> arguments)
    {
        var result = await RunAsync(new Command(program, arguments));
        return result.Succeeded ? result.Output : throw new ToolException($"{program} {string.Join(' ', arguments)} ended with exit code {result.Code}.");
    }

    /// <summary>Runs a command and adds its output.</summary>
    public async Task<CommandOutput> RunAsync(Command command)
    {
        var result = await command.CaptureAsync(cancellation: Cancellation);
        Say(result.Output + result.Errors);
        return result;
    }

    /// <summary>Fails unless a condition holds within a time.</summary>
    /// <exception cref="ToolException">It did not hold.</exception>
    public async Task AwaitAsync(string what, int seconds, Func<Task<bool>> condition)
    {
        if (!await Wait.UntilAsync(TimeSpan.FromSeconds(seconds), HoldsAsync, Cancellation))
            throw new ToolException($"Not within {seconds} s: {what}");

        async Task<bool> HoldsAsync()
        {
            try
            {
                return await condition();
            }
            catch (Exception e) when (e is HttpRequestException or TaskCanceledException)
            {
                return false; // not yet
            }
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _writer.Dispose();
}
