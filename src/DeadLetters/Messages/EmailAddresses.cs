using System.Buffers;
using System.Globalization;
using System.Text;

namespace WorkinIt.DeadLetters;

/// <summary>An e-mail address in a text.</summary>
/// <param name="Start">The index of its first character.</param>
/// <param name="Length">Its length, as written.</param>
/// <param name="Local">The part before the @, as written.</param>
/// <param name="Domain">The part after the @.</param>
internal readonly record struct EmailAddress(int Start, int Length, string Local, string Domain)
{
    /// <summary>
    /// The addresses that the text may mean. In <c>to=jane@example.com</c> the equals sign may belong to the address, by the grammar, or to the
    /// text around it. In a URL, <c>eve%2Bx%40host</c> means eve+x, and <c>"jane"@host</c> means jane.
    /// </summary>
    public IEnumerable<string> Readings
    {
        get
        {
            var domain = Domain.Replace('。', '.').Replace('．', '.');
            foreach (var local in new[] { Local, Unescaped(Local), Uri.UnescapeDataString(Local) }.Distinct(StringComparer.Ordinal))
            {
                yield return $"{local}@{domain}";
                for (var i = 0; i < local.Length - 1; i++)
                {
                    if (!char.IsLetterOrDigit(local[i]) && local[i] is not ('.' or '-' or '_' or '+') && !char.IsSurrogate(local[i]))
                        yield return $"{local[(i + 1)..]}@{domain}";
                }
            }
        }
    }

    private static string Unescaped(string local)
    {
        if (local is not ['"', .., '"'] && local is not ['\\', '"', .., '"'])
            return local;
        var text = new StringBuilder(local.Length);
        foreach (var c in local.Trim('\\', '"'))
        {
            if (c != '\\')
                text.Append(c);
        }
        return text.ToString();
    }
}

/// <summary>
/// Finds e-mail addresses in texts, by the grammar of RFC 5321, 5322 and 6531: dot-atoms including apostrophes, quoted local parts, domain
/// literals, and international addresses. The @ may also be written as %40, full-width, or as a JSON or HTML escape.
/// </summary>
internal static class EmailAddresses
{
    private const int LongestQuoted = 256;
    private const string AtomCharacters = "!#$%&'*+-/=?^_`{|}~.";

    private static readonly SearchValues<char> _atStarts = SearchValues.Create("@＠﹫%\\&");
    private static readonly string[] _ats = ["@", "＠", "﹫", "%40", "\\u0040", "&#64;", "&#x40;", "&commat;"];

    /// <summary>Finds the addresses in a text.</summary>
    /// <param name="text">The text.</param>
    public static IEnumerable<EmailAddress> In(string text)
    {
        var from = 0;
        for (var at = NextAt(text, 0, out var length); at >= 0; at = NextAt(text, at + length, out length))
        {
            if (IsWithinQuotes(text, from, at))
                continue;
            var start = LocalStart(text, from, at);
            var end = DomainEnd(text, at + length);
            if (start >= at || end <= at + length)
                continue;
            yield return new EmailAddress(start, end - start, text[start..at], text[(at + length)..end]);
            from = end;
        }
    }

    /// <summary>Whether the text is one address and nothing else.</summary>
    /// <param name="text">The text.</param>
    public static bool IsOne(string text) => In(text).FirstOrDefault() is { Length: > 0 } address && address.Length == text.Length;

    /// <summary>Replaces the addresses in a text.</summary>
    /// <param name="text">The text.</param>
    /// <param name="replacement">Returns the replacement for an address.</param>
    public static string Replace(string text, Func<EmailAddress, string> replacement)
    {
        StringBuilder? replaced = null;
        var from = 0;
        foreach (var address in In(text))
        {
            (replaced ??= new StringBuilder(text.Length)).Append(text, from, address.Start - from).Append(replacement(address));
            from = address.Start + address.Length;
        }
        return replaced is null ? text : replaced.Append(text, from, text.Length - from).ToString();
    }

    private static int NextAt(string text, int from, out int length)
    {
        for (var i = from; i < text.Length; i++)
        {
            i = text.AsSpan(i).IndexOfAny(_atStarts) is >= 0 and var next ? i + next : text.Length;
            foreach (var form in _ats)
            {
                if (string.CompareOrdinal(text, i, form, 0, form.Length) == 0)
                {
                    length = form.Length;
                    return i;
                }
            }
        }
        length = 0;
        return -1;
    }

    // In "a@b"@host the first @ is part of the quoted local part.
    private static bool IsWithinQuotes(string text, int from, int at)
    {
        if (at > from && text[at - 1] == '"')
            return false; // this @ follows the closing quote
        for (var i = at; i < text.Length && i - at < LongestQuoted && text[i] is not ('\r' or '\n'); i++)
        {
            if (text[i] == '"' && text[i - 1] != '\\')
                return Array.Exists(_ats, form => string.CompareOrdinal(text, i + 1, form, 0, form.Length) == 0) && QuoteStart(text, from, i) is >= 0 and var open && open < at;
        }
        return false;
    }

    private static int LocalStart(string text, int from, int at)
    {
        if (at > from && text[at - 1] == '"' && QuoteStart(text, from, at - 1) is >= 0 and var quote)
            return quote;
        var start = at;
        while (start > from && IsOfLocal(text, start - 1))
            start--;
        // A quote, full stop, brace or separator before the address belongs to the text around it.
        while (start < at && (text[start] is '\'' or '`' or '.' or '{' or '}' or '|' or '=' or '/' or '?' or '&'))
            start++;
        return start;
    }

    // In a text within JSON, both quotes are escaped.
    private static int QuoteStart(string text, int from, int close)
    {
        var isEscaped = close > from && text[close - 1] == '\\';
        var least = Math.Max(from, close - LongestQuoted);
        for (var i = close - (isEscaped ? 2 : 1); i >= least; i--)
        {
            if (text[i] is '\r' or '\n')
                return -1;
            if (text[i] != '"')
                continue;
            var hasBackslash = i > least && text[i - 1] == '\\';
            if (hasBackslash == isEscaped)
                return isEscaped ? i - 1 : i;
        }
        return -1;
    }

    private static int DomainEnd(string text, int start)
    {
        if (start < text.Length && text[start] == '[')
        {
            var close = text.IndexOf(']', start);
            return close > start + 1 && close - start <= LongestQuoted && !text.AsSpan(start, close - start).ContainsAny(" \r\n\t") ? close + 1 : start;
        }
        var end = start;
        while (end < text.Length && IsOfDomain(text, end))
            end++;
        while (end > start && (text[end - 1] is '.' or '-' or '_' or '。'))
            end--;
        return end;
    }

    private static bool IsOfLocal(string text, int index) =>
        char.IsAscii(text[index]) ? char.IsAsciiLetterOrDigit(text[index]) || AtomCharacters.Contains(text[index], StringComparison.Ordinal)
        : text[index] is not ('＠' or '﹫') && IsOfWord(text, index);

    private static bool IsOfDomain(string text, int index) =>
        char.IsAscii(text[index]) ? char.IsAsciiLetterOrDigit(text[index]) || text[index] is '.' or '-' or '_'
        : text[index] is '。' or '．' || IsOfWord(text, index);

    private static bool IsOfWord(string text, int index) => char.GetUnicodeCategory(text, index) switch
    {
        UnicodeCategory.UppercaseLetter or UnicodeCategory.LowercaseLetter or UnicodeCategory.TitlecaseLetter or UnicodeCategory.ModifierLetter or UnicodeCategory.OtherLetter
            or UnicodeCategory.NonSpacingMark or UnicodeCategory.SpacingCombiningMark or UnicodeCategory.DecimalDigitNumber or UnicodeCategory.LetterNumber
            or UnicodeCategory.Surrogate or UnicodeCategory.Format or UnicodeCategory.OtherSymbol or UnicodeCategory.ModifierSymbol => true,
        _ => false,
    };
}
