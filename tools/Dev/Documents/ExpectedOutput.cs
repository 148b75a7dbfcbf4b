using System.Text.RegularExpressions;

namespace WorkinIt.Dev.Documents;

/// <summary>
/// Compares an output with the text of a document. <c>…</c> matches anything within a line, or, alone on a line, any lines. <c>0.…</c> matches a
/// measured number below 5, and <c>5.…</c> one from 5 to 10, because a busy machine is slow. Several spaces count as one, because the width of a
/// table depends on its content. Empty lines are ignored.
/// </summary>
internal static partial class ExpectedOutput
{
    private const string AnyLines = @"(?:[^\n]*\n)*?";

    /// <summary>Returns why the output does not match, or null if it does.</summary>
    /// <param name="output">The output.</param>
    /// <param name="expected">The text of the document.</param>
    /// <param name="complete">Whether the text is the complete output, or only a part of it.</param>
    public static string? Difference(string output, string expected, bool complete)
    {
        var found = string.Concat(Plain(output).Select(line => line + "\n"));
        var pattern = complete ? "^" : "^" + AnyLines;
        foreach (var line in Plain(expected))
        {
            pattern += line == "…" ? AnyLines : PatternOf(line) + @"\n";
            if (!IsMatch(found, pattern))
                return $"Missing from the output, or in another place: {line}";
        }
        return !complete || IsMatch(found, pattern + @"\z") ? null : "The output has more lines.";
    }

    private static bool IsMatch(string found, string pattern) => Regex.IsMatch(found, pattern, RegexOptions.NonBacktracking);

    private static IEnumerable<string> Plain(string text) =>
        text.Split('\n').Select(line => Spaces().Replace(line, " ").Trim()).Where(line => line.Length > 0);

    private static string PatternOf(string line)
    {
        var pattern = Regex.Escape(line);
        pattern = Below5().Replace(pattern, "[0-4]\\.[0-9]+");
        pattern = From5().Replace(pattern, "[5-9]\\.[0-9]+");
        return pattern.Replace("…", @"[^\n]*", StringComparison.Ordinal);
    }

    [GeneratedRegex(@"\s+")]
    private static partial Regex Spaces();

    [GeneratedRegex(@"\b0\\\.…")]
    private static partial Regex Below5();

    [GeneratedRegex(@"\b5\\\.…")]
    private static partial Regex From5();
}
