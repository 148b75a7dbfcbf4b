using System.Text.RegularExpressions;

namespace WorkinIt.Dev.Documents;

/// <summary>A fenced block of a Markdown document.</summary>
/// <param name="Line">The line number of the opening backticks.</param>
/// <param name="Kind">The text after the backticks, such as <c>sh terminal 1</c>.</param>
/// <param name="Text">The content, with a line break after each line.</param>
internal sealed partial record Fence(int Line, string Kind, string Text)
{
    /// <summary>The first line of the content.</summary>
    public string FirstLine => Text.Split('\n')[0];

    /// <summary>The terminal of <c>sh terminal N</c> and <c>text terminal N</c>; null for other kinds.</summary>
    public int? Terminal => TerminalKind().Match(Kind) is { Success: true } match ? match.Groups[1].Value[0] - '0' : null;

    /// <summary>Whether it is a command: <c>sh</c> or <c>sh terminal N</c>.</summary>
    public bool IsCommand => Kind == "sh" || (Terminal is not null && Kind.StartsWith("sh", StringComparison.Ordinal));

    /// <summary>Reads the fences of a document.</summary>
    /// <param name="lines">The lines of the document.</param>
    public static IReadOnlyList<Fence> Read(IEnumerable<string> lines)
    {
        var (fences, number, open) = (new List<Fence>(), 0, (Fence?)null);
        foreach (var line in lines)
        {
            number++;
            if (!line.StartsWith("```", StringComparison.Ordinal))
            {
                open = open is null ? null : open with { Text = $"{open.Text}{line}\n" };
            }
            else if (open is null)
            {
                open = new Fence(number, line[3..].Trim(), "");
            }
            else
            {
                fences.Add(open);
                open = null;
            }
        }
        return fences;
    }

    [GeneratedRegex("^(?:sh|text) terminal ([1-9])$")]
    private static partial Regex TerminalKind();
}
