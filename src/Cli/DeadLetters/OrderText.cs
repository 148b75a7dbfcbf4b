using Spectre.Console;
using WorkinIt.DeadLetters;

namespace WorkinIt.Cli.DeadLetters;

/// <summary>Writes the keys of a replay in order, and those that are held back.</summary>
internal static class OrderText
{
    private const int MostNamed = 10;

    /// <summary>Writes what the dry run found.</summary>
    public static void WritePlan(IAnsiConsole console, OperationResult plan)
    {
        if (plan.Order is not { } order)
            return;
        console.WriteLine(Terminal.Clean($"  in order by {order.By}: {order.Summary}"));
        if (order.PassingOthers > 0)
            console.WriteLine($"  {ReplayOrder.Count(order.PassingOthers, "key")} with an earlier dead letter in the queue that is not selected: the replay passes it");
        console.WriteLine("  The order needs reports of the application (package WorkinIt.DeadLetters.MassTransit). If nothing is reported about the first message, the replay ends there.");
        WriteHeld(console, plan);
    }

    /// <summary>Writes the keys that are held back, and why.</summary>
    public static void WriteHeld(IAnsiConsole console, OperationResult result)
    {
        if (result.Order is not { HeldBack.Count: > 0 } order)
            return;
        console.WriteLine(Terminal.Clean($"  in order by {order.By}, {order.HeldSummary}"));
        foreach (var key in order.HeldBack.Take(MostNamed))
            console.WriteLine(Terminal.Clean($"    {key.Key}: {ReplayOrder.Count(key.Letters, "message")}, because {(key.MessageId is { } messageId ? Masking.Named("messageId", messageId) : key.Id)} {key.Why}"));
        if (order.HeldBack.Count > MostNamed)
            console.WriteLine($"    and {ListCommand.Number(order.HeldBack.Count - MostNamed)} more keys (all of them: --json)");
    }
}
