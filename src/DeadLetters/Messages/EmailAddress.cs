using System.Globalization;
using System.Text;

namespace WorkinIt.DeadLetters;

/// <summary>An e-mail address in a text.</summary>
/// <param name="Start">The index of its first character.</param>
/// <param name="Length">Its length, as written.</param>
/// <param name="Local">The part before the @, with escapes such as <c>%2B</c> decoded, and still in its quotes if it has any.</param>
/// <param name="Written">The local part as written if the @ is plain, because the text may then contain no escapes; otherwise the same as Local.</param>
/// <param name="Domain">The part after the @, with escapes decoded.</param>
/// <param name="IsAfterBackslash">Whether a backslash precedes it: the first letter may then be the rest of an escape, as in <c>\njane@example.com</c>.</param>
internal readonly record struct EmailAddress(int Start, int Length, string Local, string Written, string Domain, bool IsAfterBackslash)
{
    /// <summary>The address in the spelling of a mail: with a plain @, and with quotes only if the local part needs them.</summary>
    public string Plain => Spell(Written);

    /// <summary>
    /// The addresses that it may mean if the text contains nothing else, as written and decoded: <c>eve%2Bx@host</c> is that mailbox by the grammar,
    /// and eve+x in a URL.
    /// </summary>
    public IEnumerable<string> Spellings => [.. new[] { Spell(Written), Spell(Local) }.Distinct(StringComparer.Ordinal)];

    /// <summary>
    /// The addresses that it may mean within a longer text. In <c>to=jane@example.com</c> the equals sign may belong to the address, by the grammar,
    /// or to the text around it.
    /// </summary>
    public IEnumerable<string> Readings
    {
        get
        {
            foreach (var spelling in Spellings)
                yield return spelling;
            for (var i = 0; i < Local.Length - 1; i++)
            {
                if (IsSeparator(Local, i))
                    yield return Spell(Local[(i + 1)..]);
            }
            if (IsAfterBackslash && Local.Length > 1 && Local[0] is 'n' or 'r' or 't' or 'b' or 'f')
                yield return Spell(Local[1..]);
        }
    }

    // An apostrophe within a word belongs to the name: o'neill is not neill.
    private static bool IsSeparator(string local, int index) => local[index] switch
    {
        '.' or '-' or '_' or '+' => false,
        '\'' => index == 0 || !char.IsLetterOrDigit(local[index - 1]),
        var c when char.IsHighSurrogate(c) => !char.IsLowSurrogate(local[index + 1]), // half an emoji
        var c when char.IsLowSurrogate(c) => index == 0 || !Rune.TryGetRuneAt(local, index - 1, out var rune) || !Rune.IsLetterOrDigit(rune),
        var c => !char.IsLetterOrDigit(c),
    };

    private string Spell(string local)
    {
        var text = new StringBuilder(local.Length + Domain.Length + 3);
        if (Bare(local) is not { } bare)
            text.Append(local);
        else if (EmailAddresses.IsAtom(bare))
            text.Append(bare);
        else
            text.Append('"').Append(bare.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal)).Append('"');
        text.Append('@').Append(Domain);
        for (var i = text.Length - 1; i >= 0; i--)
        {
            if (char.GetUnicodeCategory(text[i]) == UnicodeCategory.Format)
                text.Remove(i, 1); // invisible, such as a zero-width space
        }
        return text.ToString();
    }

    // The contents of the quotes; null without quotes. In JSON, a backslash precedes each quote.
    private static string? Bare(string local)
    {
        var quote = local.IndexOf('"', StringComparison.Ordinal);
        if (quote < 0 || local.Length < quote + 2 || local[^1] != '"' || local.AsSpan(0, quote).ContainsAnyExcept('\\'))
            return null;
        var text = new StringBuilder(local.Length);
        var end = local.Length - 1;
        while (quote > 0 && end > quote + 1 && local[end - 1] == '\\')
            end--;
        for (var i = quote + 1; i < end; i++)
        {
            while (local[i] == '\\' && i < end - 1)
                i++;
            text.Append(local[i]);
        }
        return text.ToString();
    }
}
