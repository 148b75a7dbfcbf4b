using System.CommandLine;
using WorkinIt.Cli;
using WorkinIt.Cli.DeadLetters;
using WorkinIt.Cli.Erasing;

var root = new RootCommand("Commands for operators: dead letters of WorkinIt and of any other MassTransit application on RabbitMQ, and erasing a person's data from WorkinIt.")
{
    DeadLetterCommands.Create(), EraseCommand.Create(),
};
if (args is [] or ["dead-letters"])
    args = [.. args, "--help"];
var parsed = root.Parse(args);
if (parsed.Errors.Count > 0)
{
    // For an unknown word the parser also reports a missing command. Print only the errors that name the word.
    var errors = parsed.Errors.Select(error => WrongValue.InWords(error.Message)).Distinct().ToList();
    var unmatched = errors.Where(error => parsed.UnmatchedTokens.Any(error.Contains)).ToList();
    foreach (var error in unmatched.Count > 0 ? unmatched : errors)
        await Terminal.ErrorAsync(error);
    var command = parsed.CommandResult.Command;
    await Terminal.ErrorAsync($"See: workinit {(command is RootCommand ? "" : command.Name is "dead-letters" or "erase" ? $"{command.Name} " : $"dead-letters {command.Name} ")}--help");
    return ExitCode.WrongUsage;
}
return await parsed.InvokeAsync(new InvocationConfiguration { EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = TimeSpan.FromSeconds(60) });
