using Spectre.Console;
using WorkinIt.DeadLetters;

namespace WorkinIt.Cli.DeadLetters;

/// <summary>What the command writes about a replay.</summary>
internal static class ReplayText
{
    private const int MostNamed = 5;

    /// <summary>Writes what a dry run found.</summary>
    /// <param name="console">The console.</param>
    /// <param name="plan">The result of the dry run.</param>
    /// <param name="hasLedger">Whether the delivery ledger was asked.</param>
    /// <param name="hasOwnCondition">Whether the operator set a target or a patch.</param>
    public static void WritePlan(IAnsiConsole console, OperationResult plan, bool hasLedger, bool hasOwnCondition)
    {
        console.WriteLine(Terminal.Clean($"{ListCommand.Number(plan.Selected)} in {plan.Queue}: {ListCommand.Number(plan.Done)} ready to replay (the cause is not checked), {ListCommand.Number(plan.Refused.Count)} refused{(plan.Order is { HeldBack.Count: > 0 } ? " or held back" : "")}."));
        WriteTargets(console, plan);
        StepOptions.WritePlan(console, plan);
        OrderText.WritePlan(console, plan);
        WriteReasons(console, plan, "refused");
        var refused = plan.Refused.Where(refusal => !refusal.IsHeldBack).ToList();
        if (refused.Count > 0 && !hasOwnCondition) // the target or the patch may be the mistake, and not the messages
            console.WriteLine(Terminal.Clean($"To discard the {(refused.Count > MostNamed ? $"first {MostNamed} " : "")}refused messages: workinit dead-letters discard --queue {plan.Queue} --where id={string.Join(',', refused.Take(MostNamed).Select(refusal => refusal.Id))}"));
        if (!hasLedger)
            console.WriteLine(Terminal.Clean("It was not checked whether the work was already done, because ConnectionStrings__Deliveries is not set."));
    }

    /// <summary>Writes the warnings of a result, and why messages were not moved, each with the number of messages.</summary>
    /// <param name="console">The console.</param>
    /// <param name="result">The result.</param>
    /// <param name="refused">What happened to those that were not moved.</param>
    public static void WriteReasons(IAnsiConsole console, OperationResult result, string refused)
    {
        foreach (var group in ReasonGroups.Of(result.Replayed.Where(message => message.Verdict.Text.Length > 0), message => message.Verdict.Text))
            console.WriteLine(Terminal.Clean($"  {ListCommand.Number(group.Messages.Count)} with a warning: {group.Text}"));
        WriteRefused(console, result, refused);
    }

    /// <summary>Writes why messages were not moved, with the number of messages for each reason.</summary>
    /// <param name="console">The console.</param>
    /// <param name="result">The result.</param>
    /// <param name="refused">What happened to them.</param>
    public static void WriteRefused(IAnsiConsole console, OperationResult result, string refused)
    {
        foreach (var group in ReasonGroups.Of(result.Refused, refusal => refusal.Why))
            console.WriteLine(Terminal.Clean($"  {ListCommand.Number(group.Messages.Count)} {refused}: {group.Text}"));
    }

    private static void WriteTargets(IAnsiConsole console, OperationResult result)
    {
        foreach (var target in result.Replayed.GroupBy(message => message.Target))
            console.WriteLine(Terminal.Clean($"  {ListCommand.Number(target.Count())} to {target.Key}"));
    }

    /// <summary>Writes what became of the messages.</summary>
    /// <param name="console">The console.</param>
    /// <param name="result">The result of the replay.</param>
    public static void WriteResult(IAnsiConsole console, OperationResult result)
    {
        console.WriteLine(Terminal.Clean($"Replay {result.Id} from {result.Queue}: {ListCommand.Number(result.Done - result.Settled)} moved, {ListCommand.Number(result.Refused.Count)} not moved."));
        WriteTargets(console, result);
        foreach (var outcome in OutcomeCounts.Shown.Where(outcome => result.Outcomes.Of(outcome) > 0))
            console.WriteLine(Terminal.Clean($"  {ListCommand.Number(result.Outcomes.Of(outcome))} {OutcomeCounts.Word(outcome)}"));
        if (result.DelayReason is { } delayed)
            console.WriteLine(Terminal.Clean($"  Reason for a delay: {delayed}"));
        if (result.ReportsProblem is { } problem)
            console.WriteLine(Terminal.Clean($"  {problem}"));
        foreach (var cause in ReasonGroups.Of(result.Replayed.Where(message => message.NewLetter is null).Select(message => message.Reported).OfType<ReportedOutcome>().Where(reported => reported.ExceptionType is not null), reported => $"{reported.ExceptionType}: {Masking.Text(reported.Reason ?? "")}"))
            console.WriteLine(Terminal.Clean($"  {ListCommand.Number(cause.Messages.Count)} reported, without a new dead letter so far: {cause.Text}"));
        foreach (var cause in ReasonGroups.Of(result.Replayed.Select(message => message.NewLetter).OfType<NewLetter>(), letter => $"{letter.ExceptionType}: {Masking.Text(letter.Reason)}"))
            console.WriteLine(Terminal.Clean($"  {ListCommand.Number(cause.Messages.Count)} dead-lettered again: {cause.Text} (example: workinit dead-letters show {cause.Messages[0].Id}{(cause.Messages[0].Queue is { } queue ? $" --queue {queue}" : "")})"));
        WriteRefused(console, result, "not moved");
        OrderText.WriteHeld(console, result);
        if (result.Stopped is { } stopped)
            console.WriteLine(Terminal.Clean(stopped));
        if (result.Settled > 0)
            console.WriteLine($"{ListCommand.Number(result.Settled)} removed instead of replayed: an earlier replay had published them, and their copies are dead letters again.");
        if (result.Missing > 0)
            console.WriteLine(DiscardCommand.MissingText(result));
        if (result.Selected == 0)
            console.WriteLine("No messages match.");
        console.WriteLine(Terminal.Clean(result.Headline));
    }
}
