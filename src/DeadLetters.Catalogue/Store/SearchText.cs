using System.Text;

namespace WorkinIt.DeadLetters.Catalogue.Store;

/// <summary>
/// The text of a letter that a text filter searches: its reason, its headers and its body, up to <see cref="Longest"/> characters. Not its stack
/// trace, which is the same for all letters of a cause and would double the size of the index.
/// </summary>
internal static class SearchText
{
    /// <summary>The longest searched text. Of a longer letter, the rest is not searched.</summary>
    public const int Longest = 8 * 1024;

    /// <summary>Fewer characters can't be found by the index: then only the reasons are searched.</summary>
    public const int Shortest = 3;

    // Between a header's name and value, and around them: a header is found as one text.
    private const char Separator = '\u0001';

    /// <summary>The text of a letter.</summary>
    /// <param name="reason">Its reason.</param>
    /// <param name="letter">The letter; null if the catalogue does not keep its contents, so that only the reason is searched.</param>
    public static string Of(string reason, DeadLetter? letter)
    {
        if (letter is null)
            return PlainTexts.Storable(reason, Longest);
        var text = new StringBuilder(reason);
        foreach (var (name, value) in letter.HeaderTexts)
        {
            if (name is not ("MT-Fault-StackTrace" or "MT-Fault-Message") && text.Length < Longest)
                text.Append(Header(name, value.Length > Longest ? value[..Longest] : value));
        }
        foreach (var hidden in letter.HiddenHeaderTexts)
        {
            if (text.Length < Longest)
                text.Append('\n').Append(hidden.AsSpan(0, Math.Min(hidden.Length, Longest)));
        }
        text.Append('\n').Append(Body(letter));
        return PlainTexts.Storable(text.ToString(), Longest);
    }

    /// <summary>A header as it is in the text.</summary>
    public static string Header(string name, string value) => $"{Separator}{name}{Separator}{value}{Separator}";

    private static string Body(DeadLetter letter)
    {
        if (letter.Amqp10 is { Text: { } shown, Json: { } json } sections)
            return string.Join('\n', [Unescaped(shown[..Math.Min(shown.Length, 4 * Longest)], json.Span), .. sections.BinaryTexts()]);
        // Of a long envelope only the message: the rest describes its way.
        var body = letter.Body.Length > Longest && letter.JsonMessage is { } message ? message : letter.Body;
        var text = Encoding.UTF8.GetString(body.Span[..Math.Min(body.Length, 4 * Longest)]);
        return letter.HasJson ? Unescaped(text, letter.Body.Span) : text;
    }

    // The text, and what its escapes hide.
    private static string Unescaped(string text, ReadOnlySpan<byte> json)
    {
        if (!text.Contains('\\', StringComparison.Ordinal))
            return text;
        var unescaped = new StringBuilder(text).Append('\n');
        Envelope.AnyText(json, part =>
        {
            if (!text.Contains(part, StringComparison.Ordinal))
                unescaped.Append(part).Append('\n');
            return unescaped.Length > 2 * Longest;
        });
        return unescaped.ToString();
    }
}

/// <summary>Texts that both databases can keep.</summary>
internal static class PlainTexts
{
    /// <summary>Limits a text, and replaces what PostgreSQL refuses: the character zero and half a surrogate pair.</summary>
    public static string Storable(string text, int longest)
    {
        if (text.Length > longest)
            text = text[..longest];
        if (!text.AsSpan().ContainsAnyInRange('\uD800', '\uDFFF') && !text.Contains('\0', StringComparison.Ordinal))
            return text;
        var storable = new StringBuilder(text.Length);
        foreach (var rune in text.EnumerateRunes()) // half a pair becomes the replacement character
            storable.Append(rune.Value == 0 ? Rune.ReplacementChar : rune);
        return storable.ToString();
    }
}
