using DiffPlex.DiffBuilder;
using DiffPlex.DiffBuilder.Model;
using Spectre.Console;
using WorkinIt.DeadLetters;

namespace WorkinIt.Cli.DeadLetters;

/// <summary>Prints what a repair would change: for each cause, the count and the diffs of the first few messages.</summary>
internal static class RepairChanges
{
    private const int ContextLines = 1;

    /// <summary>Writes the changes, and records in the audit log whose messages were shown unmasked.</summary>
    public static async Task WriteAsync(CommandContext context, IAnsiConsole console, OperationResult plan, bool revealed, CancellationToken cancellationToken)
    {
        await AuditAsync(context, plan, revealed, cancellationToken);
        foreach (var cause in plan.Repairs)
        {
            console.WriteLine();
            console.WriteLine(Terminal.Clean($"{ListCommand.Number(cause.Count)} would change with cause {cause.Cause.Id}: {Masking.Text(cause.Cause.Text)}"));
            if (cause.Examples.Count == 0)
                console.WriteLine("  Their messages are too large to show the changes.");
            foreach (var example in cause.Examples)
            {
                console.WriteLine(Terminal.Clean($"  {example.Letter.Id}"));
                foreach (var (type, text) in Lines(example, revealed))
                    console.Write(new Text($"    {Sign(type)}{Terminal.Clean(text)}{Environment.NewLine}", new Style(Colour(type))));
            }
        }
        console.WriteLine();
        if (plan.Repairs.Count > 0 && !revealed)
            console.WriteLine("Values are masked; --reveal shows them, and the audit log records it.");
        console.WriteLine("A repair can't be undone once a consumer has the message. The original messages are kept with the audit log.");
    }

    /// <summary>The changes for scripts.</summary>
    public static async Task<IReadOnlyList<object>> JsonAsync(CommandContext context, OperationResult plan, bool revealed, CancellationToken cancellationToken)
    {
        await AuditAsync(context, plan, revealed, cancellationToken);
        return [.. plan.Repairs.Select(cause => new
        {
            cause = cause.Cause.Id,
            cause.Count,
            examples = cause.Examples.Select(example => new { example.Letter.Id, diff = Lines(example, revealed).Select(line => Sign(line.Type) + line.Text) }),
        })];
    }

    private static async Task AuditAsync(CommandContext context, OperationResult plan, bool revealed, CancellationToken cancellationToken)
    {
        foreach (var example in revealed ? plan.Repairs.SelectMany(cause => cause.Examples) : [])
            await context.Broker.RevealedAsync(example.Letter, context.By, cancellationToken);
    }

    // The changed lines and those next to them. The diff is of the values; masked, their lines have the same places.
    private static IEnumerable<(ChangeType Type, string Text)> Lines(MessageChange change, bool revealed)
    {
        var (before, after) = revealed ? (change.Before, change.After) : (change.MaskedBefore, change.MaskedAfter);
        var (old, fresh) = (before.Split('\n'), after.Split('\n'));
        var lines = InlineDiffBuilder.Diff(change.Before, change.After, ignoreWhiteSpace: false).Lines;
        var (oldLine, freshLine) = (0, 0);
        for (var i = 0; i < lines.Count; i++)
        {
            var type = lines[i].Type;
            var text = type == ChangeType.Deleted ? old[oldLine] : fresh[freshLine];
            oldLine += type == ChangeType.Inserted ? 0 : 1;
            freshLine += type == ChangeType.Deleted ? 0 : 1;
            if (Enumerable.Range(i - ContextLines, (2 * ContextLines) + 1).Any(near => near >= 0 && near < lines.Count && lines[near].Type != ChangeType.Unchanged))
                yield return (type, text);
        }
    }

    private static string Sign(ChangeType type) => type switch { ChangeType.Inserted => "+ ", ChangeType.Deleted => "- ", _ => "  " };

    private static Color Colour(ChangeType type) => type switch { ChangeType.Inserted => Color.Green, ChangeType.Deleted => Color.Red, _ => Color.Default };
}
