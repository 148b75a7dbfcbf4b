namespace WorkinIt.DeadLetters.Catalogue;

/// <summary>Lines of a stack trace that belong together.</summary>
/// <param name="IsFolded">Whether they are frames of libraries, which a reader can leave out at first.</param>
/// <param name="Text">The lines.</param>
/// <param name="Lines">How many.</param>
internal sealed record StackPart(bool IsFolded, string Text, int Lines);

/// <summary>A stack trace, with the frames of libraries folded.</summary>
internal static class StackFold
{
    /// <summary>The parts in order. Nothing is folded in a trace without a frame of the application.</summary>
    public static IReadOnlyList<StackPart> Of(string stack)
    {
        var lines = stack.ReplaceLineEndings("\n").TrimEnd('\n').Split('\n');
        if (!lines.Any(line => StackFrames.KindOf(line) == FrameKind.Own))
            return [new StackPart(false, string.Join('\n', lines), lines.Length)];
        var parts = new List<StackPart>();
        for (var (first, end) = (0, 0); first < lines.Length; first = end)
        {
            var folded = IsFolded(lines[first]);
            for (end = first + 1; end < lines.Length && IsFolded(lines[end]) == folded; end++)
            {
            }
            parts.Add(new StackPart(folded, string.Join('\n', lines[first..end]), end - first));
        }
        return parts;
    }

    private static bool IsFolded(string line) => StackFrames.KindOf(line) == FrameKind.Library;
}
