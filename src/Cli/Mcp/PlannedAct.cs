using Spectre.Console;
using WorkinIt.Cli.DeadLetters;
using WorkinIt.DeadLetters;

namespace WorkinIt.Cli.Mcp;

/// <summary>An operation that a program has asked for.</summary>
/// <param name="Verb">The verb.</param>
/// <param name="Request">What is selected.</param>
/// <param name="Operation">The operation.</param>
/// <param name="Written">What the program wrote: the message of an edit, or the JSON Patch of a repair; null: nothing.</param>
internal sealed record PlannedAct(string Verb, OperationRequest Request, IOperation Operation, string? Written = null)
{
    private bool IsMove => Verb is "discard" or "restore";

    /// <summary>What it does, without personal data.</summary>
    public string Title => $"{Verb} {CommandContext.Which(Request.Filter)} in {Request.Queue}";

    /// <summary>What the dry run found, as the commands write it.</summary>
    public string Describe(OperationResult plan, IReadOnlyList<ShownRepair> repairs) => CommandContext.Text(console =>
    {
        if (IsMove)
            DiscardCommand.WritePlan(console, plan, Request.Queue, wasSent: false);
        else
            ReplayText.WritePlan(console, plan, hasLedger: true, hasOwnCondition: true);
        if (Verb == "repair")
            DeadLetters.RepairChanges.Write(console, repairs, revealed: false);
        if (Written is not null)
            console.WriteLine(Terminal.Clean($"The program wrote: {Written}"));
    });

    /// <summary>What became of the messages, as the commands write it.</summary>
    public string DescribeResult(OperationResult result) => CommandContext.Text(console =>
    {
        if (IsMove)
            DiscardCommand.WriteResult(console, Verb, result);
        else
            ReplayText.WriteResult(console, result);
    });
}
