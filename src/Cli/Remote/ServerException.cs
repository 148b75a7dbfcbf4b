namespace WorkinIt.Cli.Remote;

/// <summary>A server did not do what was asked for.</summary>
/// <param name="message">What happened, and what to do.</param>
/// <param name="exitCode">The exit code.</param>
/// <param name="field">The field of the request that is the reason; null if unknown.</param>
internal sealed class ServerException(string message, int exitCode, string? field = null) : Exception(message)
{
    /// <summary>Whether the server does not have what was asked for.</summary>
    public bool IsNotFound { get; init; }

    /// <summary>Whether the server answers, and its broker or catalogue does not.</summary>
    public bool IsOfTheBroker { get; init; }

    /// <summary>Whether the server may have done what was asked for: it may have got the request, and its answer did not come or can't be read.</summary>
    public bool MayHaveActed { get; set; }

    public int ExitCode { get; } = exitCode;

    public string? Field { get; } = field;
}
