using System.CommandLine;
using WorkinIt.Cli;
using WorkinIt.Cli.DeadLetters;
using WorkinIt.Cli.Erasing;

var root = new RootCommand("The operator's commands for dead letters in RabbitMQ, of WorkinIt and of any other MassTransit application; and for WorkinIt's erasure of a person.")
{
    DeadLetterCommands.Create(), EraseCommand.Create(),
};
if (args is [] or ["dead-letters"])
    args = [.. args, "--help"];
var parsed = root.Parse(args);
if (parsed.Errors.Count > 0)
{
    // Of a wrong word the parser says as well that a command is missing; the word is what matters.
    var errors = parsed.Errors.Select(error => WrongValue.InWords(error.Message)).Distinct().ToList();
    var ofWords = errors.Where(error => parsed.UnmatchedTokens.Any(error.Contains)).ToList();
    foreach (var error in ofWords.Count > 0 ? ofWords : errors)
        await Terminal.ErrorAsync(error);
    var command = parsed.CommandResult.Command;
    await Terminal.ErrorAsync($"See: workinit {(command is RootCommand ? "" : command.Name is "dead-letters" or "erase" ? $"{command.Name} " : $"dead-letters {command.Name} ")}--help");
    return ExitCode.WrongUsage;
}
return await parsed.InvokeAsync(new InvocationConfiguration { EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = TimeSpan.FromSeconds(60) });
