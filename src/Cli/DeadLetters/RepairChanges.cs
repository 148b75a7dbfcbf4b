using DiffPlex.DiffBuilder;
using DiffPlex.DiffBuilder.Model;
using Spectre.Console;
using WorkinIt.DeadLetters;

namespace WorkinIt.Cli.DeadLetters;

/// <summary>Prints what a repair would change: for each cause, the count and the diffs of the first few messages.</summary>
internal static class RepairChanges
{
    private const int ContextLines = 1;

    /// <summary>What a dry run on a broker found, with the changes as text. Records in the audit log whose messages are shown unmasked.</summary>
    public static async Task<IReadOnlyList<ShownRepair>> OfAsync(CommandContext context, OperationResult plan, bool revealed, CancellationToken cancellationToken)
    {
        await AuditAsync(context, plan, revealed, cancellationToken);
        return
        [
            .. plan.Repairs.Select(cause => new ShownRepair(
                cause.Cause.Id, Masking.Text(cause.Cause.Text), cause.Count, [.. cause.Examples.Select(example => (example.Letter.Id, (IReadOnlyList<string>)[.. Lines(example, revealed).Select(line => Sign(line.Type) + line.Text)]))])),
        ];
    }

    /// <summary>Writes the changes.</summary>
    public static void Write(IAnsiConsole console, IReadOnlyList<ShownRepair> repairs, bool revealed)
    {
        foreach (var cause in repairs)
        {
            console.WriteLine();
            console.WriteLine(Terminal.Clean($"{ListCommand.Number(cause.Count)} would change with cause {cause.Cause}: {cause.Text}"));
            if (cause.Examples.Count == 0)
                console.WriteLine("  Their messages are too large to show the changes.");
            foreach (var (id, lines) in cause.Examples)
            {
                console.WriteLine(Terminal.Clean($"  {id}"));
                foreach (var line in lines)
                    console.Write(new Text($"    {Terminal.Clean(line)}{Environment.NewLine}", new Style(Colour(line))));
            }
        }
        console.WriteLine();
        if (repairs.Count > 0 && !revealed)
            console.WriteLine("Values are masked; --reveal shows them, and the audit log records it.");
        console.WriteLine("A repair can't be undone once a consumer has the message. The original messages are kept with the audit log.");
    }

    /// <summary>The changes for scripts.</summary>
    public static IReadOnlyList<object> Json(IReadOnlyList<ShownRepair> repairs) =>
        [.. repairs.Select(cause => new { cause = cause.Cause, cause.Count, examples = cause.Examples.Select(example => new { example.Id, diff = example.Lines }) })];

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

    private static Color Colour(string line) => line[0] switch { '+' => Color.Green, '-' => Color.Red, _ => Color.Default };
}
