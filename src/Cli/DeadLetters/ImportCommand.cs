using System.CommandLine;
using WorkinIt.DeadLetters;

namespace WorkinIt.Cli.DeadLetters;

/// <summary><c>workinit dead-letters import dead-letters.jsonl</c></summary>
internal static class ImportCommand
{
    public static Command Create()
    {
        var common = new CommonOptions();
        var file = new Argument<string>("file") { Description = "A file that export wrote: JSON Lines, one dead letter per line" };
        var queue = new Option<string?>("--queue", "-q") { Description = "The queue to import into (default: the one that the file names)", HelpName = "QUEUE" };
        var command = new Command("import", """
            Adds exported dead letters to the end of their queue: the body byte for byte, headers with their AMQP types. Messages that
            are already in the queue are not imported again, so an interrupted import can be repeated.

            Examples:
              workinit dead-letters import dead-letters.jsonl --dry-run
              workinit dead-letters import timeouts.jsonl --queue orders_error --yes
            """)
        { file, queue, common.DryRun, common.Yes, common.Json, common.By };
        command.SetAction(common.Run(async (context, parsed, cancellationToken) =>
        {
            await using var stream = Open(parsed.GetValue(file)!);
            var request = new ImportRequest { Queue = parsed.GetValue(queue), By = context.By };
            var (dryRun, yes) = (parsed.GetValue(common.DryRun), parsed.GetValue(common.Yes));
            if (dryRun || !yes)
            {
                var plan = await context.Broker.ImportAsync(request with { DryRun = true }, stream, null, cancellationToken);
                PrintResult(context, plan, dryRun: true, toErrors: !dryRun);
                if (dryRun || plan.Done == 0)
                    return ExitCode.Done;
                if (!context.Confirm($"Import {ListCommand.Number(plan.Done)} into {plan.Queue}?", yes))
                    return ExitCode.Incomplete;
            }
            var result = await SharedOperations.RunAsync(
                context, request.Queue is { } into ? $"import into {into}" : "import", request.Queue ?? "", "Importing", (progress, token) => context.Broker.ImportAsync(request, stream, progress, token),
                imported => $"{ListCommand.Number(imported.Done)} of {ListCommand.Number(imported.Selected)} imported into {imported.Queue}{(imported.Stopped is { } stopped ? $". {stopped}" : "")}", cancellationToken);
            PrintResult(context, result, dryRun: false, toErrors: false);
            return result.IsComplete ? ExitCode.Done : ExitCode.Incomplete;
        }, needsBroker: true));
        return command;
    }

    private static void PrintResult(CommandContext context, ImportResult result, bool dryRun, bool toErrors)
    {
        if (context.Json && !toErrors)
        {
            CommandContext.WriteJson(new { dryRun, result.Id, result.Queue, result.Selected, result.Done, result.Present, result.AlsoDiscarded, result.Refused, result.Stopped });
            return;
        }
        Action<string> say = toErrors ? line => CommandHost.Current.Error.WriteLine(Terminal.Clean(line)) : CommandContext.Print;
        say($"{ListCommand.Number(result.Done)} of {ListCommand.Number(result.Selected)} {(dryRun ? "would be imported" : "imported")} into {result.Queue}, {ListCommand.Number(result.Present)} already there."
            + (dryRun ? "" : $" Operation {result.Id}."));
        if (result.AlsoDiscarded is > 0 and var discarded)
            say($"  {ListCommand.Number(discarded)} with a warning: also in the _discarded queue, so a restore would put them into {result.Queue} a second time. Restore them instead of importing them");
        else if (result.AlsoDiscarded is null)
            say("It was not checked whether they are also in the _discarded queue, because that can't be read now.");
        foreach (var group in ReasonGroups.Of(result.Refused, refusal => refusal.Why))
            say($"  {ListCommand.Number(group.Messages.Count)} not imported: {group.Text}");
        if (result.Stopped is { } stopped)
            say(stopped);
    }

    private static FileStream Open(string path)
    {
        try
        {
            return File.OpenRead(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new WrongUsageException($"{path} can't be read: {e.Message}");
        }
    }
}
