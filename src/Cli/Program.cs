using System.CommandLine;
using WorkinIt.Cli;
using WorkinIt.Cli.DeadLetters;

var root = new RootCommand("The operator's commands for dead letters in RabbitMQ, of WorkinIt and of any other MassTransit application.") { DeadLetterCommands.Create() };
var parsed = root.Parse(args);
if (parsed.Errors.Count > 0)
{
    foreach (var error in parsed.Errors)
        await Console.Error.WriteLineAsync(error.Message);
    await Console.Error.WriteLineAsync($"See: workinit {string.Join(' ', args.TakeWhile(word => !word.StartsWith('-')))} --help");
    return ExitCode.WrongUsage;
}
return await parsed.InvokeAsync(new InvocationConfiguration { EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = TimeSpan.FromSeconds(60) });
