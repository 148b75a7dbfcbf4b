using WorkinIt.DeadLetters;

namespace WorkinIt.Cli;

/// <summary>The exit codes of all commands.</summary>
internal static class ExitCode
{
    public const int Done = 0;
    public const int Incomplete = 1;
    public const int WrongUsage = 2;
    public const int Unreachable = 3;

    public static int Of(DeadLetterException e) => Of(e.Problem);

    /// <param name="problem">What went wrong; null if unknown.</param>
    public static int Of(DeadLetterProblem? problem) => problem switch
    {
        DeadLetterProblem.Unreachable or DeadLetterProblem.Blocked => Unreachable,
        DeadLetterProblem.NoSuchQueue => WrongUsage,
        _ => Incomplete,
    };
}

/// <summary>The command line or a setting is wrong: exit code 2.</summary>
internal sealed class WrongUsageException(string message) : Exception(message);

/// <summary>The id or the conditions select no message: exit code 1.</summary>
internal sealed class NotFoundException(string message) : Exception(message);

/// <summary>There is nothing to do, which is not an error: exit code 0.</summary>
internal sealed class NothingThereException(string message) : Exception(message);
