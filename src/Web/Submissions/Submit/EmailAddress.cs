using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;

namespace WorkinIt.Web.Submissions;

/// <summary>
/// One bare e-mail address that any mail server accepts. The local part follows the HTML standard's "valid e-mail address";
/// an international domain is in its ASCII form. No display name, no list, no quoted local part, no address literal.
/// </summary>
internal static partial class EmailAddress
{
    public const int LongestAddress = 254; // RFC 5321: a path has 256 characters, two of them angle brackets
    private const int LongestLocalPart = 64;
    private static readonly string _tooLong =
        $"That address is too long: mail servers accept at most {LongestAddress} characters, and at most {LongestLocalPart} before the @.";
    private static readonly IdnMapping _idn = new() { UseStd3AsciiRules = true };

    /// <param name="text">The text that was typed or pasted. Blanks and invisible characters around it are ignored.</param>
    /// <param name="address">The address, its domain in lower-case ASCII.</param>
    /// <param name="error">What the user should do.</param>
    public static bool TryParse(string? text, [NotNullWhen(true)] out string? address, [NotNullWhen(false)] out string? error)
    {
        address = null;
        text = WithoutEnds(text);
        if (text.Length == 0)
        {
            error = "Enter the e-mail address that the GIF should go to.";
            return false;
        }

        var at = text.LastIndexOf('@');
        if (at > LongestLocalPart || text.Length > LongestAddress)
        {
            error = _tooLong;
            return false;
        }

        error = text.FirstOrDefault(IsInvisible) is var invisible and not '\0'
            ? string.Create(CultureInfo.InvariantCulture, $"That address contains an invisible character (U+{(int)invisible:X4}). Type it by hand, like name@example.com.")
            : at > 0 && !Ascii.IsValid(text.AsSpan(0, at)) ? "Before the @, mail servers accept only letters without accents, digits and a few other characters. Is there another spelling of that address?"
            : "Enter one e-mail address, like name@example.com, and nothing else.";
        if (at < 1 || !LocalPart().IsMatch(text.AsSpan(0, at)) || AsciiDomain(text[(at + 1)..]) is not { } domain)
            return false;

        if (at + 1 + domain.Length > LongestAddress) // an international domain is longer in ASCII
        {
            error = _tooLong;
            return false;
        }
        address = $"{text[..at]}@{domain}";
        error = null;
        return true;
    }

    // Text copied from a document or a chat may have no-break and zero-width characters, which a user can't see and delete.
    private static string WithoutEnds(string? text)
    {
        var span = text.AsSpan();
        while (span.Length > 0 && IsBlank(span[0]))
            span = span[1..];
        while (span.Length > 0 && IsBlank(span[^1]))
            span = span[..^1];
        return span.ToString();
    }

    private static bool IsBlank(char character) => character == ' ' || IsInvisible(character);

    // Every blank except the plain space, which a user can see.
    private static bool IsInvisible(char character) =>
        character != ' ' && (char.IsWhiteSpace(character) || char.IsControl(character) || char.GetUnicodeCategory(character) == UnicodeCategory.Format);

    private static string? AsciiDomain(string domain)
    {
        try
        {
            domain = _idn.GetAscii(domain).ToLowerInvariant();
        }
        catch (ArgumentException)
        {
            return null;
        }
        return Domain().IsMatch(domain) ? domain : null;
    }

    [GeneratedRegex(@"^[a-zA-Z0-9!#$%&'*+/=?^_`{|}~-]+(\.[a-zA-Z0-9!#$%&'*+/=?^_`{|}~-]+)*\z")]
    private static partial Regex LocalPart();

    // At least two labels, the last one not a number: nobody has a mail address at a bare host name or an IP address.
    [GeneratedRegex(@"^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+(?![0-9]+\z)[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\z")]
    private static partial Regex Domain();
}
