using System.CommandLine;
using System.Globalization;
using System.Text.RegularExpressions;
using Spectre.Console;
using WorkinIt.DeadLetters;

namespace WorkinIt.Cli.DeadLetters;

/// <summary><c>workinit dead-letters replay --where cause=1a2b3c4d --canary</c></summary>
internal static partial class ReplayCommand
{
    public static Command Create()
    {
        var common = new CommonOptions();
        var pace = PaceOption();
        var steps = new StepOptions();
        var canary = new Option<bool>("--canary") { Description = "Replay one message first, and the others only if its outcome is “handled”" };
        var sendAgain = new Option<bool>("--send-again") { Description = "Include messages with an unknown outcome (may send duplicates)" };
        var to = new Option<string?>("--to", "--to-queue") { Description = "Replay to this queue instead of the one that each message failed in", HelpName = "QUEUE" };
        var withoutResponse = new Option<bool>("--without-response") { Description = "Remove the response address from all requests (if their senders no longer wait)" };
        var acceptLoss = AcceptLossOption();
        var wait = new Option<string>("--wait") { Description = "How long to wait for the outcomes (0: do not wait; no steps)", DefaultValueFactory = _ => "1m", HelpName = "TIME" };
        var command = new Command("replay", """
            Moves dead letters back to the queue that they failed in, and reports the outcome of each. Moves them in steps of 1, 5, 20, 100, …
            and waits for the outcomes of each step. Pauses if too many messages of a step fail again, a new cause appears, the broker accepts no messages, or the
            queue has no consumer.
            On a terminal it then asks: resume, slower or cancel. Otherwise it ends with exit code 1; run it again to continue with the rest.

            Examples:
              workinit dead-letters replay --where cause=1a2b3c4d --dry-run
              workinit dead-letters replay --where exception=Timeout --canary --pace 20
              workinit dead-letters replay --where id=0197f2a0-1c5e-7cc3-9d7e-3d1f2a3b4c5d --send-again
              workinit dead-letters replay --queue orders_error --all --yes --wait 10m --json
              workinit dead-letters replay --queue orders_error --all --in-order-by message.orderId
              workinit dead-letters replay --where cause=1a2b3c4d --copy --to orders --to-vhost sandbox
            """)
        { common.Queue, common.Where, common.All, pace, canary, steps.AllAtOnce, steps.StepWait, steps.PauseAt, steps.InOrderBy, sendAgain, to, withoutResponse, acceptLoss, wait, common.DryRun, common.Yes, common.Json, common.By };
        var copies = CopyOptions.AddTo(command);
        command.SetAction(common.Run(async (context, parsed, cancellationToken) =>
        {
            steps.CheckServer(context, parsed, wait);
            var request = new ReplayRequest
            {
                Filter = common.ChosenFilter(parsed),
                Queue = await context.QueueAsync(parsed.GetValue(common.Queue), "_error", cancellationToken),
                By = context.By,
                Pace = parsed.GetValue(pace),
                Canary = parsed.GetValue(canary),
                SendAgain = parsed.GetValue(sendAgain),
                To = parsed.GetValue(to),
                WithoutResponse = parsed.GetValue(withoutResponse),
                AcceptLoss = parsed.GetValue(acceptLoss),
                Wait = Time(parsed.GetValue(wait)!),
            };
            return copies.Request(parsed, request, pace, canary, sendAgain, wait, steps.InOrderBy) is { } copy
                ? await CopyOptions.RunAsync(context, copy, parsed.GetValue(common.DryRun), parsed.GetValue(common.Yes), cancellationToken)
                : await ReplayAsync(context, steps.AddTo(request, parsed), parsed.GetValue(common.DryRun), parsed.GetValue(common.Yes), cancellationToken);
        }));
        return command;
    }

    /// <summary>For all that moves messages out of a dead-letter queue.</summary>
    public static Option<bool> AcceptLossOption() => new("--accept-loss") { Description = "Move also messages of AMQP 1.0 clients that lose a part (to, subject, …) at a move on RabbitMQ 4 (a copy does so without this option, with a warning)" };

    public static Option<double?> PaceOption()
    {
        var pace = new Option<double?>("--pace") { Description = "Messages per second", HelpName = "N" };
        pace.Validators.Add(result =>
        {
            // System.CommandLine already rejects values that are not numbers.
            if (result.Tokens is [{ Value: var said }] && double.TryParse(said, NumberStyles.Float, CultureInfo.InvariantCulture, out var number) && number is < ReplayRequest.LeastPace or > 100_000)
                result.AddError("--pace must be a number of messages a second, from 0.0034 (one in 5 minutes) to 100000");
        });
        return pace;
    }

    /// <summary>Makes a dry run, asks for confirmation, replays, and prints the outcomes.</summary>
    public static async Task<int> ReplayAsync(CommandContext context, ReplayRequest request, bool dryRun, bool yes, CancellationToken cancellationToken, bool reveal = false)
    {
        await context.ConfirmAccessAsync(request.Queue, yes, cancellationToken);
        var operation = context.Letters.Replay(request, reveal);
        if (dryRun || !yes)
        {
            var (plan, repairs) = await operation.PlanAsync(cancellationToken);
            if (dryRun && context.Json)
            {
                CommandContext.WriteJson(new { dryRun = true, plan.Queue, plan.Selected, wouldBeReplayed = plan.Done, plan.Steps, plan.Order, refused = plan.Refused, replayed = plan.Replayed.Select(JsonOf), repairs = request.Patch is null ? null : RepairChanges.Json(repairs) });
                return plan.Held == 0 || (plan.Refused.Count == 0 && plan.Selected > 0) ? ExitCode.Done : ExitCode.Incomplete;
            }
            if (plan.Held == 0)
                throw new NothingThereException($"{plan.Queue} is empty");
            ReplayText.WritePlan(dryRun ? context.Out : context.Err, plan, context.HasLedger, request.To is not null || request.Patch is not null);
            if (request.Patch is not null)
                RepairChanges.Write(dryRun ? context.Out : context.Err, repairs, reveal);
            if (dryRun || plan.Done + plan.Settled == 0)
                return plan.Refused.Count == 0 && plan.Selected > 0 ? ExitCode.Done : ExitCode.Incomplete;
            if (!context.Confirm($"{(request.Patch is null ? "Replay" : "Repair and replay")} {ListCommand.Number(plan.Done)}?", yes))
                return ExitCode.Incomplete;
        }
        return Write(context, await operation.RunAsync(cancellationToken), request.Patch is not null);
    }

    private static int Write(CommandContext context, OperationResult result, bool isRepair)
    {
        if (context.Json)
            CommandContext.WriteJson(new { result.Id, result.Queue, result.Selected, replayed = result.Done - result.Settled, result.Refused, result.Stopped, result.Pause, result.Order, result.Doubts, result.Settled, result.Missing, result.DelayReason, result.ReportsProblem, counts = result.Outcomes, outcomes = result.Replayed.Select(JsonOf) });
        else if (result.Held == 0)
            throw new NothingThereException($"{result.Queue} is empty");
        else
            ReplayText.WriteResult(context.Out, result);
        if (isRepair && !context.Json && result.Done > 0)
            context.Out.WriteLine(Terminal.Clean($"The original messages: {context.Letters.PlaceOfOriginals(result.Id)}"));
        return result.Held == 0 || result is { IsComplete: true, Selected: > 0 } ? ExitCode.Done : ExitCode.Incomplete;
    }

    private static object JsonOf(Replayed message) => new
    {
        message.Id,
        MessageId = message.MessageId is { } messageId ? Masking.Named("messageId", messageId) : null,
        message.ReplayId,
        message.Target,
        verdict = message.Verdict.Kind,
        warning = message.Verdict.Text,
        message.Outcome,
        newLetter = message.NewLetter is { } letter ? letter with { Reason = Masking.Text(letter.Reason) } : null,
        reported = message.Reported is { } reported ? reported with { Reason = reported.Reason is { } reason ? Masking.Text(reason) : null } : null,
    };

    public static TimeSpan Time(string text)
    {
        if (Duration().Match(text) is { Success: true } match)
        {
            var number = double.Parse(match.Groups[1].Value, CultureInfo.InvariantCulture);
            return match.Groups[2].Value switch
            {
                "h" => TimeSpan.FromHours(number),
                "m" => TimeSpan.FromMinutes(number),
                _ => TimeSpan.FromSeconds(number),
            };
        }
        throw new WrongUsageException($"“{text}” is not a duration: use a value such as 30s, 5m or 1h");
    }

    [GeneratedRegex(@"^(\d{1,6}(?:\.\d+)?)([smh]?)$")]
    private static partial Regex Duration();
}
