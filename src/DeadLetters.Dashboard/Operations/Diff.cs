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

    public static IReadOnlyList<DiffLine> Of(string before, string after)
    {
        var lines = InlineDiffBuilder.Diff(Formatted(before), Formatted(after), ignoreWhiteSpace: false).Lines;
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
