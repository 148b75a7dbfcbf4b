using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;

namespace WorkinIt.Cli.DeadLetters.Testing;

/// <summary>
/// Masks a value so that it is still a value of its type: letters become x or X, digits 1. A date stays a date, a decimal in a string a decimal, an email address
/// an address, and no text gets longer or shorter. A number of n digits fits into the type of another one of n digits, because 1 is the lowest first digit.
/// </summary>
internal static partial class Disguise
{
    public static string Text(string value)
    {
        if (Digits().IsMatch(value))
            return Number(value);
        var hidden = new StringBuilder(value.Length);
        var scheme = Scheme().Match(value).Length; // without it, a URL would be one that no client knows
        hidden.Append(value, 0, scheme);
        foreach (var rune in value[scheme..].EnumerateRunes())
        {
            var x = Rune.GetUnicodeCategory(rune) switch
            {
                UnicodeCategory.UppercaseLetter or UnicodeCategory.TitlecaseLetter => "X",
                UnicodeCategory.DecimalDigitNumber or UnicodeCategory.LetterNumber or UnicodeCategory.OtherNumber => "1",
                _ when rune.IsAscii && !Rune.IsLetter(rune) => rune.ToString(),
                _ => "x",
            };
            hidden.Append(x, 0, 1).Append('x', rune.Utf16SequenceLength - 1);
        }
        return hidden.ToString();
    }

    /// <summary>Zero stays zero.</summary>
    public static string Number(string value) => value.Any(c => c is >= '1' and <= '9') ? Digit().Replace(value, "1") : value;

    // Numbers, dates and times, which contain the letters E, T and Z.
    [GeneratedRegex(@"^[0-9.,:+\-/ TZEe]*[0-9][0-9.,:+\-/ TZEe]*\z", RegexOptions.CultureInvariant)]
    private static partial Regex Digits();

    [GeneratedRegex("[0-9]", RegexOptions.CultureInvariant)]
    private static partial Regex Digit();

    [GeneratedRegex(@"^(https?|amqps?|rabbitmq|queue|exchange|mailto|file|ftp):(//)?", RegexOptions.CultureInvariant)]
    private static partial Regex Scheme();
}
