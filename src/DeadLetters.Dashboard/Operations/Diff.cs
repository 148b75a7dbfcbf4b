using DiffPlex.DiffBuilder;
using DiffPlex.DiffBuilder.Model;

namespace WorkinIt.DeadLetters.Dashboard.Operations;

internal enum DiffKind
{
    Same,
    Removed,
    Added,
    Skipped,
}

/// <summary>A line of a diff.</summary>
internal sealed record DiffLine(DiffKind Kind, string Text);

/// <summary>Compares two texts line by line, and leaves out unchanged lines that are not near a change.</summary>
internal static class Diff
{
    private const int ContextLines = 3;

    /// <summary>Whether two messages differ in more than the formatting of their JSON.</summary>
    public static bool IsNone(string before, string after) => Formatted(before) == Formatted(after);

    public static IReadOnlyList<DiffLine> Of(string before, string after) =>
        Near(InlineDiffBuilder.Diff(Formatted(before), Formatted(after), ignoreWhiteSpace: false).Lines);

    /// <summary>The diff of a repaired message, with its values masked: two values that look the same masked are still shown as changed.</summary>
    public static IReadOnlyList<DiffLine> Masked(MessageChange change)
    {
        var (before, after) = (new Queue<string>(change.MaskedBefore.Split('\n')), new Queue<string>(change.MaskedAfter.Split('\n')));
        var lines = InlineDiffBuilder.Diff(change.Before, change.After, ignoreWhiteSpace: false).Lines;
        foreach (var line in lines)
        {
            var old = line.Type == ChangeType.Inserted ? "" : before.Dequeue();
            line.Text = line.Type == ChangeType.Deleted ? old : after.Dequeue();
        }
        return Near(lines);
    }

    private static List<DiffLine> Near(List<DiffPiece> lines)
    {
        var shown = new List<DiffLine>();
        var skipped = 0;
        for (var i = 0; i < lines.Count; i++)
        {
            if (lines[i].Type == ChangeType.Unchanged && !IsNearAChange(lines, i))
            {
                skipped++;
                continue;
            }
            Flush();
            shown.Add(new DiffLine(lines[i].Type switch { ChangeType.Inserted => DiffKind.Added, ChangeType.Deleted => DiffKind.Removed, _ => DiffKind.Same }, lines[i].Text));
        }
        Flush();
        return shown;

        void Flush()
        {
            if (skipped > 0)
                shown.Add(new DiffLine(DiffKind.Skipped, skipped == 1 ? "1 unchanged line" : $"{skipped} unchanged lines"));
            skipped = 0;
        }
    }

    // Both in the same form: a diff shows what changed, not how somebody indents.
    private static string Formatted(string json) => JsonText.Indented(json) ?? json.Trim();

    private static bool IsNearAChange(List<DiffPiece> lines, int line)
    {
        for (var i = Math.Max(0, line - ContextLines); i <= Math.Min(lines.Count - 1, line + ContextLines); i++)
        {
            if (lines[i].Type != ChangeType.Unchanged)
                return true;
        }
        return false;
    }
}
