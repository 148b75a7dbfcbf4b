using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace WorkinIt.DeadLetters.Dashboard;

/// <summary>
/// A user's name in the audit log. Ownership of edits and dry runs goes by it too, so no other user may have it or imitate it. Users choose their
/// display name, and several may have the same one; the id tells them apart.
/// </summary>
internal static class UserName
{
    private const int Longest = 255;

    // Letters, marks and symbols without a glyph: fillers, variation selectors and an empty Braille cell. Source: Default_Ignorable_Code_Point in
    // unicode.org/Public/UCD/latest/ucd/DerivedCoreProperties.txt; the rest of it has one of the categories below.
    private static readonly (int First, int Last)[] _invisible =
    [
        (0x034F, 0x034F), (0x115F, 0x1160), (0x17B4, 0x17B5), (0x180B, 0x180F), (0x2800, 0x2800), (0x3164, 0x3164), (0xFE00, 0xFE0F), (0xFFA0, 0xFFA0), (0xE0100, 0xE01EF),
    ];

    /// <summary>
    /// Whether a name can be taken as it is: it has no parentheses, which set an id or a token apart, no invisible characters, and only ordinary spaces,
    /// inside.
    /// </summary>
    public static bool IsPlain(string name) => name is { Length: > 0 and <= Longest } && Visible(name) == name && name.Trim() == name;

    /// <summary>A name without parentheses and invisible characters, cut to the longest that the audit log takes.</summary>
    public static string Plain(string name)
    {
        var plain = Visible(name);
        return plain.Length <= Longest ? plain : plain[..(char.IsHighSurrogate(plain[Longest - 1]) ? Longest - 1 : Longest)];
    }

    /// <summary>A display name with the user's id, such as <c>Erin Hall (4711)</c>. A name that has the id already stays as it is.</summary>
    /// <param name="display">The display name; null: none.</param>
    /// <param name="id">The id that the user has for good.</param>
    public static string WithId(string? display, string id)
    {
        var isPlain = IsPlain(id) && !id.Any(char.IsWhiteSpace);
        var end = isPlain ? id : Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(id)));
        if (display is null || display == id || display == end)
            return end;
        var suffix = $" ({end})";
        var name = Visible(display.EndsWith(suffix, StringComparison.Ordinal) ? display[..^suffix.Length] : display) + suffix;
        return name.Length <= Longest ? name : end;
    }

    // Half of a surrogate pair becomes the replacement character.
    private static string Visible(string name)
    {
        var visible = new StringBuilder(name.Length);
        foreach (var rune in name.EnumerateRunes())
            visible.Append(Visible(rune).ToString());
        return visible.ToString();
    }

    // A token's entry in the audit log ends in parentheses: "Erin (token deploy-bot, t_3fa91c02)". Invisible characters can turn the text around, or make
    // two names look the same.
    private static Rune Visible(Rune rune) => Rune.GetUnicodeCategory(rune) switch
    {
        UnicodeCategory.OpenPunctuation => new Rune('['),
        UnicodeCategory.ClosePunctuation => new Rune(']'),
        UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator or UnicodeCategory.SpaceSeparator
            or UnicodeCategory.PrivateUse or UnicodeCategory.OtherNotAssigned => new Rune(' '),
        _ when Array.Exists(_invisible, range => rune.Value >= range.First && rune.Value <= range.Last) => new Rune(' '),
        _ => rune,
    };
}
