namespace WorkinIt.Cli;

/// <summary>
/// What surrounds a command: its settings and its standard streams. The program has one host, its process. Tests run many commands in one process,
/// each with a host of its own.
/// </summary>
internal sealed class CommandHost
{
    private static readonly AsyncLocal<CommandHost?> _current = new();
    private static readonly CommandHost _process = new()
    {
        Variable = Environment.GetEnvironmentVariable,
        In = Console.In,
        Out = Console.Out,
        Error = Console.Error,
        OpenOut = Console.OpenStandardOutput,
        OpenIn = Console.OpenStandardInput,
        IsInteractive = !Console.IsInputRedirected && !Console.IsErrorRedirected,
        IsOutRedirected = Console.IsOutputRedirected,
    };

    /// <summary>The host of the command that runs now.</summary>
    public static CommandHost Current => _current.Value ?? _process;

    /// <summary>Returns an environment variable; null if it is not set.</summary>
    public required Func<string, string?> Variable { get; init; }

    /// <summary>Standard input.</summary>
    public required TextReader In { get; init; }

    /// <summary>Standard output.</summary>
    public required TextWriter Out { get; init; }

    /// <summary>Standard error.</summary>
    public required TextWriter Error { get; init; }

    /// <summary>Opens standard output for bytes.</summary>
    public required Func<Stream> OpenOut { get; init; }

    /// <summary>Opens standard input for bytes.</summary>
    public Func<Stream> OpenIn { get; init; } = () => Stream.Null;

    /// <summary>Whether questions can be asked.</summary>
    public bool IsInteractive { get; init; }

    /// <summary>Whether standard output is not a terminal.</summary>
    public bool IsOutRedirected { get; init; } = true;

    /// <summary>Runs a command in this host.</summary>
    /// <param name="args">The command-line arguments.</param>
    /// <returns>The exit code.</returns>
    public Task<int> RunAsync(string[] args)
    {
        _current.Value = this; // of this call and what it awaits, not of the caller
        return CommandLine.RunAsync(args);
    }
}
