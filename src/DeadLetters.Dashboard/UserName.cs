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

    /// <summary>Whether a name can be taken as it is: it has no parentheses, which set an id or a token apart, and no invisible characters.</summary>
    public static bool IsPlain(string name) => name is { Length: > 0 and <= Longest } && name.All(character => Plain(character) == character);

    /// <summary>A name without parentheses and invisible characters.</summary>
    public static string Plain(string name) => string.Concat(name.Take(Longest).Select(Plain));

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
        var name = string.Concat((display.EndsWith(suffix, StringComparison.Ordinal) ? display[..^suffix.Length] : display).Select(Plain)) + suffix;
        return name.Length <= Longest ? name : end;
    }

    // A token's entry in the audit log ends in parentheses: "Erin (token deploy-bot, t_3fa91c02)". Invisible characters can turn the text around.
    private static char Plain(char character) => char.GetUnicodeCategory(character) switch
    {
        UnicodeCategory.OpenPunctuation => '[',
        UnicodeCategory.ClosePunctuation => ']',
        UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator => ' ',
        _ => character,
    };
}
