using WorkinIt.DeadLetters;

namespace WorkinIt.Cli;

/// <summary>What the command's exit code says.</summary>
internal static class ExitCode
{
    public const int Done = 0;
    public const int NotAllAsAsked = 1;
    public const int WrongUsage = 2;
    public const int OutOfReach = 3;

    public static int Of(DeadLetterException e) => e.Problem switch
    {
        DeadLetterProblem.OutOfReach or DeadLetterProblem.Blocked => OutOfReach,
        DeadLetterProblem.NoSuchQueue => WrongUsage,
        _ => NotAllAsAsked,
    };
}

/// <summary>The command can't be done as it was typed.</summary>
internal sealed class WrongUsageException(string message) : Exception(message);

/// <summary>There is nothing to do: no mistake of who typed the command.</summary>
internal sealed class NothingThereException(string message) : Exception(message);
