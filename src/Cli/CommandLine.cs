using System.CommandLine;
using WorkinIt.Cli.DeadLetters;
using WorkinIt.Cli.Doctor;
using WorkinIt.Cli.Erasing;

namespace WorkinIt.Cli;

/// <summary>All commands.</summary>
internal static class CommandLine
{
    private static readonly TimeSpan _stopPatience = TimeSpan.FromSeconds(60);

    /// <summary>Parses the arguments and runs the command that they name, in <see cref="CommandHost.Current"/>.</summary>
    /// <param name="args">The command-line arguments.</param>
    /// <returns>The exit code.</returns>
    public static async Task<int> RunAsync(string[] args)
    {
        var root = new RootCommand("Commands for operators: dead letters of WorkinIt and of any other MassTransit application on RabbitMQ, a check of a virtual host, and erasing a person's data from WorkinIt.")
        {
            DeadLetterCommands.Create(), DoctorCommand.Create(), EraseCommand.Create(),
        };
        var parsed = root.Parse(args is [] or ["dead-letters"] ? [.. args, "--help"] : args);
        if (parsed.Errors.Count > 0)
        {
            await WriteErrorsAsync(parsed);
            return ExitCode.WrongUsage;
        }
        return await parsed.InvokeAsync(new InvocationConfiguration
        {
            Output = CommandHost.Current.Out,
            Error = CommandHost.Current.Error,
            EnableDefaultExceptionHandler = false,
            ProcessTerminationTimeout = _stopPatience,
        });
    }

    private static async Task WriteErrorsAsync(ParseResult parsed)
    {
        // For an unknown word the parser also reports a missing command. Print only the errors that name the word.
        var errors = parsed.Errors.Select(error => WrongValue.InWords(error.Message)).Distinct().ToList();
        var unmatched = errors.Where(error => parsed.UnmatchedTokens.Any(error.Contains)).ToList();
        foreach (var error in unmatched.Count > 0 ? unmatched : errors)
            await Terminal.ErrorAsync(error);
        var command = parsed.CommandResult.Command;
        await Terminal.ErrorAsync($"See: workinit {(command is RootCommand ? "" : command.Name is "dead-letters" or "doctor" or "erase" ? $"{command.Name} " : $"dead-letters {command.Name} ")}--help");
    }
}
