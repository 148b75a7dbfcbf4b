namespace WorkinIt.Dev;

/// <summary>A failure that the person who typed the command can do something about.</summary>
/// <param name="message">What failed, and what to do next. Printed as it is.</param>
/// <param name="exitCode">The exit code of the tool.</param>
internal sealed class ToolException(string message, int exitCode = 1) : Exception(message)
{
    /// <summary>The exit code of the tool.</summary>
    public int ExitCode => exitCode;
}
