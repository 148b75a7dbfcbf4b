using System.CommandLine;
using WorkinIt.DeadLetters;

namespace WorkinIt.Cli.DeadLetters;

/// <summary><c>workinit dead-letters restore --queue send-gif-email_discarded --where id=…</c></summary>
internal static class RestoreCommand
{
    public static Command Create()
    {
        var common = new CommonOptions();
        var command = new Command("restore", """
            Moves discarded messages back to the end of the dead-letter queue that they came from.

            Examples:
              workinit dead-letters restore --where id=0197f2a0-1c5e-7cc3-9d7e-3d1f2a3b4c5d
              workinit dead-letters restore --queue orders_discarded --all --yes
            """)
        { common.Queue, common.Where, common.All, common.DryRun, common.Yes, common.Json, common.By };
        command.SetAction(common.Run(async (context, parsed, cancellationToken) =>
        {
            var filter = common.ChosenFilter(parsed);
            var queue = await context.QueueAsync(parsed.GetValue(common.Queue), "_discarded", cancellationToken);
            var request = new OperationRequest { Queue = queue, Filter = filter, By = context.By };
            var from = await context.Letters.DiscardedQueueAsync(queue, cancellationToken);
            return await DiscardCommand.MoveAsync(context, "restore", context.Letters.Restore(request), from, parsed.GetValue(common.DryRun), parsed.GetValue(common.Yes), wasSent: false, cancellationToken);
        }));
        return command;
    }
}
