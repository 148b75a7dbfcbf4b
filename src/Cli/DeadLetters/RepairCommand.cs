using System.CommandLine;
using WorkinIt.DeadLetters;

namespace WorkinIt.Cli.DeadLetters;

/// <summary><c>workinit dead-letters repair --where cause=1a2b3c4d --patch currency.json</c></summary>
internal static class RepairCommand
{
    public static Command Create()
    {
        var common = new CommonOptions();
        var patch = new Option<string>("--patch", "-p") { Description = "File with the JSON Patch (RFC 6902), or - for standard input", HelpName = "FILE", Required = true };
        var pace = ReplayCommand.PaceOption();
        var steps = new StepOptions();
        var canary = new Option<bool>("--canary") { Description = "Repair one message first, and the others only if its outcome is “handled”" };
        var wait = new Option<string>("--wait") { Description = "How long to wait for the outcomes (0: do not wait; no steps)", DefaultValueFactory = _ => "1m", HelpName = "TIME" };
        var reveal = new Option<bool>("--reveal") { Description = "Show the changes unmasked in the dry run; the audit log records it" };
        var acceptLoss = ReplayCommand.AcceptLossOption();
        var command = new Command("repair", """
            Changes the messages of dead letters by one JSON Patch (RFC 6902: add, remove, replace, move, copy, test), and replays them with the same
            message ids. The dry run shows the changes. A message that the patch does not apply to stays where it is.

            A repair can't be undone once a consumer has the message. The original messages are kept with the audit log.

            Examples:
              echo '[{"op":"test","path":"/currency","value":"EURO"},{"op":"replace","path":"/currency","value":"EUR"}]' > currency.json
              workinit dead-letters repair --where cause=1a2b3c4d --patch currency.json --dry-run
              workinit dead-letters repair --where cause=1a2b3c4d --patch currency.json --canary --pace 20
            """)
        { common.Queue, common.Where, common.All, patch, pace, canary, steps.AllAtOnce, steps.StepWait, steps.PauseAt, steps.InOrderBy, acceptLoss, wait, reveal, common.DryRun, common.Yes, common.Json, common.By };
        command.SetAction(common.Run(async (context, parsed, cancellationToken) =>
        {
            var filter = common.ChosenFilter(parsed);
            steps.CheckServer(context, parsed, wait);
            var request = new ReplayRequest
            {
                Patch = await ReadAsync(parsed.GetValue(patch)!, cancellationToken),
                Queue = await context.QueueAsync(parsed.GetValue(common.Queue), "_error", cancellationToken),
                Filter = filter,
                By = context.By,
                Pace = parsed.GetValue(pace),
                Canary = parsed.GetValue(canary),
                AcceptLoss = parsed.GetValue(acceptLoss),
                Wait = ReplayCommand.Time(parsed.GetValue(wait)!),
            };
            return await ReplayCommand.ReplayAsync(context, steps.AddTo(request, parsed), parsed.GetValue(common.DryRun), parsed.GetValue(common.Yes), cancellationToken, parsed.GetValue(reveal));
        }));
        return command;
    }

    private static async Task<MessagePatch> ReadAsync(string file, CancellationToken cancellationToken)
    {
        var json = file == "-" ? await CommandHost.Current.In.ReadToEndAsync(cancellationToken)
            : File.Exists(file) ? await File.ReadAllTextAsync(file, cancellationToken)
            : throw new WrongUsageException($"File {file} not found");
        try
        {
            return MessagePatch.Parse(json);
        }
        catch (FormatException e)
        {
            throw new WrongUsageException($"{e.Message}. Nothing was changed");
        }
    }
}
