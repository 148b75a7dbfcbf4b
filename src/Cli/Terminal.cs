using System.Globalization;
using System.Text;
using Spectre.Console;

namespace WorkinIt.Cli;

/// <summary>
/// Makes text from messages safe to print on a terminal. A control sequence in an exception's text could move the cursor, change the title, or fake a
/// line of output. Control characters are printed as escapes, and so are characters that change the direction of text.
/// </summary>
internal static class Terminal
{
    /// <summary>Replaces control characters by their escapes, except line ends and tabs.</summary>
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

    /// <summary>Cleans the text, and escapes Spectre.Console's markup.</summary>
    public static string Cell(string text) => Markup.Escape(Clean(text));

    /// <summary>Writes a line to standard error.</summary>
    public static Task ErrorAsync(string line) => CommandHost.Current.Error.WriteLineAsync(Clean(line));

    // A carriage return is harmless only before a line feed. Alone, it moves the cursor to the start of the line, so text could be overwritten.
    private static bool IsHarmless(string text, int index) => text[index] switch
    {
        '\n' or '\t' => true,
        '\r' => index + 1 < text.Length && text[index + 1] == '\n',
        '\u061c' or '\u200e' or '\u200f' or (>= '\u2028' and <= '\u202e') or (>= '\u2066' and <= '\u2069') => false,
        var c => !char.IsControl(c),
    };
}
