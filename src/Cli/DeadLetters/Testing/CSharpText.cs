using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;

namespace WorkinIt.Cli.DeadLetters.Testing;

/// <summary>
/// Puts text of a message into C# source. The text can't end the literal or the comment that it is in, whatever it contains, and can't look like other
/// text than it is: control characters, line separators, characters that change the direction of text and half surrogate pairs become escapes.
/// </summary>
internal static partial class CSharpText
{
    private static readonly HashSet<string> _keywords =
    [
        "abstract", "as", "base", "bool", "break", "byte", "case", "catch", "char", "checked", "class", "const", "continue", "decimal", "default", "delegate", "do", "double", "else", "enum",
        "event", "explicit", "extern", "false", "finally", "fixed", "float", "for", "foreach", "goto", "if", "implicit", "in", "int", "interface", "internal", "is", "lock", "long", "namespace",
        "new", "null", "object", "operator", "out", "override", "params", "private", "protected", "public", "readonly", "ref", "return", "sbyte", "sealed", "short", "sizeof", "stackalloc",
        "static", "string", "struct", "switch", "this", "throw", "true", "try", "typeof", "uint", "ulong", "unchecked", "unsafe", "ushort", "using", "virtual", "void", "volatile", "while",
    ];

    /// <summary>A string literal.</summary>
    public static string Literal(string text)
    {
        var literal = new StringBuilder(text.Length + 2).Append('"');
        for (var i = 0; i < text.Length; i++)
        {
            if (text[i] is '"' or '\\')
                literal.Append('\\').Append(text[i]);
            else
                AppendSafe(literal, text, i);
        }
        return literal.Append('"').ToString();
    }

    /// <summary>A text within a line comment.</summary>
    public static string Comment(string text)
    {
        var comment = new StringBuilder(text.Length);
        for (var i = 0; i < text.Length; i++)
            AppendSafe(comment, text, i);
        return comment.ToString();
    }

    /// <summary>Escapes what is unsafe in the text of a JSON string, in which quotes, backslashes and control characters are escaped already.</summary>
    public static string Json(string text) => Comment(text);

    /// <summary>A raw string literal of several lines.</summary>
    /// <param name="text">Text whose only line ends are line feeds.</param>
    /// <param name="indent">The indentation of the literal.</param>
    public static string Raw(string text, string indent)
    {
        var quotes = new string('"', Math.Max(3, Quotes().Matches(text).Select(match => match.Length).DefaultIfEmpty(0).Max() + 1));
        return $"{quotes}\n{string.Join('\n', text.Split('\n').Select(line => indent + line))}\n{indent}{quotes}";
    }

    /// <summary>An identifier, with an @ if it is a keyword; null if the text is not an identifier.</summary>
    public static string? Identifier(string text) => !Identifiers().IsMatch(text) ? null : _keywords.Contains(text) ? "@" + text : text;

    // C# ends a line not only at a line feed, but also at U+000D, U+0085, U+2028 and U+2029.
    private static void AppendSafe(StringBuilder safe, string text, int index)
    {
        var c = text[index];
        var isHalf = char.IsSurrogate(c)
            && !(char.IsHighSurrogate(c) && index + 1 < text.Length && char.IsLowSurrogate(text[index + 1]))
            && !(char.IsLowSurrogate(c) && index > 0 && char.IsHighSurrogate(text[index - 1]));
        if (isHalf || char.IsControl(c) || char.GetUnicodeCategory(c) is UnicodeCategory.Format or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator)
            safe.Append(CultureInfo.InvariantCulture, $"\\u{(int)c:x4}");
        else
            safe.Append(c);
    }

    [GeneratedRegex("\"+")]
    private static partial Regex Quotes();

    [GeneratedRegex(@"^[\p{L}\p{Nl}_][\p{L}\p{Nl}\p{Nd}\p{Mn}\p{Mc}\p{Pc}]*\z", RegexOptions.CultureInvariant)]
    private static partial Regex Identifiers();
}
