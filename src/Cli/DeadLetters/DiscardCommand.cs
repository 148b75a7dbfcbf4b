using System.CommandLine;
using Spectre.Console;
using WorkinIt.DeadLetters;

namespace WorkinIt.Cli.DeadLetters;

/// <summary><c>workinit dead-letters discard --where cause=1a2b3c4d</c></summary>
internal static class DiscardCommand
{
    public static Command Create()
    {
        var common = new CommonOptions();
        var wasSent = new Option<bool>("--was-sent") { Description = "The mails arrived: record them as sent in the ledger and on their submissions" };
        var acceptLoss = ReplayCommand.AcceptLossOption();
        var command = new Command("discard", """
            Moves dead letters to a queue that ends in _discarded. They can be restored for 30 days (DeadLetters__DiscardedLife).

            Examples:
              workinit dead-letters discard --where cause=1a2b3c4d
              workinit dead-letters discard --where id=0197f2a0-1c5e-7cc3-9d7e-3d1f2a3b4c5d --was-sent
            """)
        { common.Queue, common.Where, common.All, wasSent, acceptLoss, common.DryRun, common.Yes, common.Json, common.By };
        command.SetAction(common.Run(async (context, parsed, cancellationToken) =>
        {
            var filter = common.ChosenFilter(parsed);
            var queue = await context.QueueAsync(parsed.GetValue(common.Queue), "_error", cancellationToken);
            var request = new DiscardRequest { Queue = queue, Filter = filter, By = context.By, WasSent = parsed.GetValue(wasSent), AcceptLoss = parsed.GetValue(acceptLoss) };
            return await MoveAsync(context, "discard", context.Letters.Discard(request), queue, parsed.GetValue(common.DryRun), parsed.GetValue(common.Yes), request.WasSent, cancellationToken);
        }));
        return command;
    }

    /// <summary>The line about selected messages that were not found.</summary>
    public static string MissingText(OperationResult result) =>
        $"{ListCommand.Number(result.Missing)} of {ListCommand.Number(result.Selected)} selected messages were not found: another user has moved them, they have expired, or RabbitMQ hides them. Run “list” and “audit” to see what is there.";

    /// <summary>Counts the messages, asks for confirmation, and moves them.</summary>
    public static async Task<int> MoveAsync(CommandContext context, string verb, IOperation operation, string from, bool dryRun, bool yes, bool wasSent, CancellationToken cancellationToken)
    {
        await context.ConfirmAccessAsync(from, yes, cancellationToken);
        if (dryRun || !yes)
        {
            var planned = (await operation.PlanAsync(cancellationToken)).Result;
            if (planned.Held == 0 && !context.Json)
                throw new NothingThereException($"{from} is empty");
            if (dryRun && context.Json)
                CommandContext.WriteJson(new { dryRun = true, queue = from, selected = planned.Selected, wouldBeMoved = planned.Done, planned.Refused, warnings = ReasonGroups.Of(planned.Replayed.Where(message => message.Verdict.Text.Length > 0), message => message.Verdict.Text).Select(group => new { group.Text, group.Messages.Count }) });
            else
                WritePlan(dryRun ? context.Out : context.Err, planned, from, wasSent);
            if (dryRun || planned.Done == 0)
                return planned.Held == 0 || (planned.Refused.Count == 0 && planned.Selected > 0) ? ExitCode.Done : ExitCode.Incomplete;
            if (!context.Confirm($"{char.ToUpperInvariant(verb[0])}{verb[1..]} {ListCommand.Number(planned.Done)}?", yes))
                return ExitCode.Incomplete;
        }
        var result = await operation.RunAsync(cancellationToken);
        if (result.Held == 0 && !context.Json)
            throw new NothingThereException($"{result.Queue} is empty");
        if (context.Json)
        {
            CommandContext.WriteJson(new { result.Id, result.Queue, result.Selected, result.Done, result.Refused, result.Stopped });
        }
        else
        {
            WriteResult(context.Out, verb, result);
        }
        return result.Held == 0 || result is { IsComplete: true, Selected: > 0 } ? ExitCode.Done : ExitCode.Incomplete;
    }

    /// <summary>Writes what became of the messages.</summary>
    public static void WriteResult(IAnsiConsole console, string verb, OperationResult result)
    {
        console.WriteLine(Terminal.Clean($"{verb}: {ListCommand.Number(result.Done)} moved from {result.Queue}, {ListCommand.Number(result.Refused.Count)} not moved. Operation {result.Id}."));
        ReplayText.WriteRefused(console, result, "not moved");
        if (result.Stopped is { } stopped)
            console.WriteLine(Terminal.Clean(stopped));
        if (result.Missing > 0)
            console.WriteLine(MissingText(result));
    }

    /// <summary>Writes what a dry run found.</summary>
    public static void WritePlan(IAnsiConsole console, OperationResult planned, string from, bool wasSent)
    {
        console.WriteLine(Terminal.Clean(
            $"{ListCommand.Number(planned.Selected)} in {from}: {ListCommand.Number(planned.Done)} would be {(wasSent ? "recorded as sent and moved" : "moved")}, {ListCommand.Number(planned.Refused.Count)} refused."));
        ReplayText.WriteReasons(console, planned, "refused");
    }
}
