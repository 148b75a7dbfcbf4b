using System.Globalization;
using System.Text;
using Spectre.Console;

namespace WorkinIt.Cli;

/// <summary>
/// What comes out of a message, on its way to a terminal: a control sequence in an exception's text could move the cursor, change the title, or write a
/// line that the command never wrote. It is shown as its escape, and so is what reverses the direction of a text.
/// </summary>
internal static class Terminal
{
    /// <summary>The text without control characters, but for ends of lines and tabs.</summary>
    public static string Clean(string text)
    {
        StringBuilder? cleaned = null;
        for (var i = 0; i < text.Length; i++)
        {
            if (IsHarmless(text, i))
            {
                cleaned?.Append(text[i]);
                continue;
            }
            cleaned ??= new StringBuilder(text.Length + 16).Append(text, 0, i);
            cleaned.Append(CultureInfo.InvariantCulture, $"\\u{(int)text[i]:x4}");
        }
        return cleaned?.ToString() ?? text;
    }

    /// <summary>As a cell of a table takes it.</summary>
    public static string Cell(string text) => Markup.Escape(Clean(text));

    /// <summary>Writes a line to standard error.</summary>
    public static Task ErrorAsync(string line) => Console.Error.WriteLineAsync(Clean(line));

    // A carriage return is of a line's end only before a line feed: alone it goes back to the line's beginning.
    private static bool IsHarmless(string text, int index) => text[index] switch
    {
        '\n' or '\t' => true,
        '\r' => index + 1 < text.Length && text[index + 1] == '\n',
        '\u061c' or '\u200e' or '\u200f' or (>= '\u2028' and <= '\u202e') or (>= '\u2066' and <= '\u2069') => false,
        var c => !char.IsControl(c),
    };
}
