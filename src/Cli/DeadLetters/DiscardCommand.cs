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
        var wasSent = new Option<bool>("--was-sent") { Description = "The mails did arrive: record them as sent in the ledger and on their submissions" };
        var command = new Command("discard", """
            Moves dead letters to a queue that ends in _discarded. They can be restored for 30 days (DeadLetters__DiscardedLife).

            Examples:
              workinit dead-letters discard --where cause=1a2b3c4d
              workinit dead-letters discard --where id=0197f2a0-1c5e-7cc3-9d7e-3d1f2a3b4c5d --was-sent
            """)
        { common.Queue, common.Where, common.All, wasSent, common.DryRun, common.Yes, common.Json, common.By };
        command.SetAction(common.Run(async (context, parsed, cancellationToken) =>
        {
            var filter = common.ChosenFilter(parsed);
            var queue = await context.QueueAsync(parsed.GetValue(common.Queue), "_error", cancellationToken);
            var request = new DiscardRequest { Queue = queue, Filter = filter, By = context.By, WasSent = parsed.GetValue(wasSent) };
            return await MoveAsync(context, "discard", request, queue, parsed.GetValue(common.DryRun), parsed.GetValue(common.Yes),
                (counted, progress) => context.Broker.DiscardAsync((DiscardRequest)counted, progress, cancellationToken), cancellationToken);
        }));
        return command;
    }

    /// <summary>The line about selected messages that were not found.</summary>
    public static string MissingText(OperationResult result) =>
        $"{ListCommand.Number(result.Missing)} of {ListCommand.Number(result.Selected)} selected messages were not found: another user has moved them, they have expired, or RabbitMQ hides them. Run “list” and “audit” to see what is there.";

    /// <summary>Counts the messages, asks for confirmation, and moves them.</summary>
    public static async Task<int> MoveAsync(
        CommandContext context, string verb, OperationRequest request, string from, bool dryRun, bool yes,
        Func<OperationRequest, IProgress<OperationProgress>, Task<OperationResult>> move, CancellationToken cancellationToken)
    {
        await context.ConfirmAccessAsync(from, yes, cancellationToken);
        if (dryRun || !yes)
        {
            var page = await context.Broker.ListAsync(from, request.Filter, 0, 1, context.By, cancellationToken);
            if (page.Ready + page.Hidden == 0 && !context.Json)
                throw new NothingThereException($"{from} is empty");
            var matching = page.Matching;
            if (dryRun && context.Json)
                CommandContext.WriteJson(new { dryRun = true, queue = from, selected = matching });
            else
                (dryRun ? context.Out : context.Err).WriteLine(Terminal.Clean(request is DiscardRequest { WasSent: true }
                    ? $"{ListCommand.Number(matching)} in {from} match. Those with an unknown outcome would be recorded as sent and moved; this is checked for each one when it is moved."
                    : $"{ListCommand.Number(matching)} in {from} would be moved."));
            if (dryRun || matching == 0)
                return matching > 0 || page.Ready + page.Hidden == 0 ? ExitCode.Done : ExitCode.Incomplete;
            if (!context.Confirm($"{char.ToUpperInvariant(verb[0])}{verb[1..]} {ListCommand.Number(matching)}?", yes))
                return ExitCode.Incomplete;
            request = request with { Expected = matching };
        }
        var result = await Progress.ShowAsync(context, verb, progress => move(request, progress));
        if (result.Held == 0 && !context.Json)
            throw new NothingThereException($"{result.Queue} is empty");
        if (context.Json)
        {
            CommandContext.WriteJson(new { result.Id, result.Queue, result.Selected, result.Done, result.Refused, result.Stopped });
        }
        else
        {
            CommandContext.Print($"{verb}: {ListCommand.Number(result.Done)} moved from {result.Queue}, {ListCommand.Number(result.Refused.Count)} not moved. Operation {result.Id}.");
            foreach (var group in result.Refused.GroupBy(refusal => refusal.Why))
                CommandContext.Print($"  {ListCommand.Number(group.Count())} not moved: {group.Key}");
            if (result.Stopped is { } stopped)
                CommandContext.Print(stopped);
            if (result.Missing > 0)
                CommandContext.Print(MissingText(result));
        }
        return result.Held == 0 || result is { IsComplete: true, Selected: > 0 } ? ExitCode.Done : ExitCode.Incomplete;
    }
}
