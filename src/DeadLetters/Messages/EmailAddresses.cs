using System.Buffers;
using System.Globalization;
using System.Text;

namespace WorkinIt.DeadLetters;

/// <summary>
/// Finds e-mail addresses in texts, by the grammar of RFC 5321, 5322 and 6531: dot-atoms including apostrophes, quoted local parts, domain
/// literals, and international addresses. Each character may also be written full-width or as an escape of JSON, HTML or a URL: see
/// <see cref="PlainText"/>. Masking, causes and erasing all use it.
/// </summary>
internal static class EmailAddresses
{
    private const int LongestQuoted = 256;
    private const string AtomCharacters = "!#$%&'*+-/=?^_`{|}~.";

    private static readonly SearchValues<char> _atStarts = SearchValues.Create("@＠﹫%\\&");

    /// <summary>Finds the addresses in a text.</summary>
    /// <param name="text">The text.</param>
    public static IEnumerable<EmailAddress> In(string text) => text.AsSpan().ContainsAny(_atStarts) ? In(text, PlainText.Of(text)) : [];

    private static IEnumerable<EmailAddress> In(string written, PlainText plain)
    {
        var (text, from) = (plain.Text, 0);
        for (var at = text.IndexOf('@', StringComparison.Ordinal); at >= 0; at = text.IndexOf('@', at + 1))
        {
            if (IsWithinQuotes(text, from, at))
                continue;
            var (start, end) = (LocalStart(text, from, at), DomainEnd(text, at + 1));
            if (start >= at || end <= at + 1)
                continue;
            var (first, writtenAt, local) = (plain.Written(start), plain.Written(at), text[start..at]);
            yield return new EmailAddress(
                first, plain.Written(end) - first, local, written[writtenAt] == '@' ? written[first..writtenAt] : local, text[(at + 1)..end], start > 0 && text[start - 1] == '\\');
            from = end;
        }
    }

    /// <summary>Whether a local part needs no quotes.</summary>
    /// <param name="local">The local part, without quotes.</param>
    public static bool IsAtom(string local)
    {
        for (var i = 0; i < local.Length; i++)
        {
            if (!IsOfLocal(local, i))
                return false;
        }
        return local.Length > 0;
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

    // In "a@b"@host the first @ is part of the quoted local part.
    private static bool IsWithinQuotes(string text, int from, int at)
    {
        if (at > from && text[at - 1] == '"')
            return false; // this @ follows the closing quote
        for (var i = at; i < text.Length && i - at < LongestQuoted && text[i] is not ('\r' or '\n'); i++)
        {
            if (text[i] == '"' && text[i - 1] != '\\')
                return i + 1 < text.Length && text[i + 1] == '@' && QuoteStart(text, from, i) is >= 0 and var open && open < at;
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
        while (end > start && (text[end - 1] is '.' or '-' or '_'))
            end--;
        return end;
    }

    private static bool IsOfLocal(string text, int index) =>
        char.IsAscii(text[index]) ? char.IsAsciiLetterOrDigit(text[index]) || AtomCharacters.Contains(text[index], StringComparison.Ordinal)
        : IsOfWord(text, index);

    private static bool IsOfDomain(string text, int index) =>
        char.IsAscii(text[index]) ? char.IsAsciiLetterOrDigit(text[index]) || text[index] is '.' or '-' or '_'
        : IsOfWord(text, index);

    private static bool IsOfWord(string text, int index) => char.GetUnicodeCategory(text, index) switch
    {
        UnicodeCategory.UppercaseLetter or UnicodeCategory.LowercaseLetter or UnicodeCategory.TitlecaseLetter or UnicodeCategory.ModifierLetter or UnicodeCategory.OtherLetter
            or UnicodeCategory.NonSpacingMark or UnicodeCategory.SpacingCombiningMark or UnicodeCategory.DecimalDigitNumber or UnicodeCategory.LetterNumber
            or UnicodeCategory.Surrogate or UnicodeCategory.Format or UnicodeCategory.OtherSymbol or UnicodeCategory.ModifierSymbol => true,
        _ => false,
    };
}
