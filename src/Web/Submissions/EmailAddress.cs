using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Text.RegularExpressions;

namespace WorkinIt.Web.Submissions;

/// <summary>
/// One bare e-mail address that any mail server can take: the local part as the HTML standard's "valid e-mail address" has it,
/// an international domain in its ASCII form. No display name, no list, no quoted local part, no address literal.
/// </summary>
internal static partial class EmailAddress
{
    public const int LongestAddress = 254; // RFC 5321: a path has 256 characters, two of them angle brackets
    private const int LongestLocalPart = 64;
    private static readonly string _tooLong =
        $"That address is too long: mail servers take {LongestAddress} characters at most, {LongestLocalPart} before the @.";
    private static readonly IdnMapping _idn = new() { UseStd3AsciiRules = true };

    /// <param name="text">What was typed; blanks around it are forgiven.</param>
    /// <param name="address">The address, its domain in lower-case ASCII.</param>
    /// <param name="error">What to do about it.</param>
    public static bool TryParse(string? text, [NotNullWhen(true)] out string? address, [NotNullWhen(false)] out string? error)
    {
        address = null;
        text = text?.Trim(' ');
        if (string.IsNullOrEmpty(text))
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

        error = "Enter one e-mail address, like name@example.com, and nothing else.";
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

    // At least two labels, the last one no number: a bare host name or an IP address is no address that a person has.
    [GeneratedRegex(@"^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+(?![0-9]+\z)[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\z")]
    private static partial Regex Domain();
}
