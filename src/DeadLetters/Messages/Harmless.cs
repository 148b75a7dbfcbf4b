using System.Globalization;
using System.Text.RegularExpressions;

namespace WorkinIt.DeadLetters;

/// <summary>
/// Decides which values of a message are shown before it is revealed: by shape (ids, hashes, booleans, times), or by name together with a
/// matching shape (<c>orderId: 4711</c>, <c>status: Pending</c>). All other values are treated as personal data.
/// </summary>
internal static partial class Harmless
{
    private const int LongestCount = 9; // digits: a longer number may be a telephone number

    /// <summary>Whether a value may be shown under any name.</summary>
    public static bool IsShape(string value) =>
        Guid.TryParse(value, out _)
        || bool.TryParse(value, out _)
        || Hash().IsMatch(value)
        || IsTime(value);

    /// <summary>Whether a value may be shown under this name.</summary>
    public static bool IsNamed(string name, string value)
    {
        if (Personal().IsMatch(name))
            return Guid.TryParse(value, out _) || bool.TryParse(value, out _);
        if (IsShape(value))
            return true;
        if (IdName().IsMatch(name))
            return IdValue().IsMatch(value) && !IsCard(value) && !value.StartsWith('0');
        if (WordName().IsMatch(name))
            return WordValue().IsMatch(value) || VersionValue().IsMatch(value);
        return CountName().IsMatch(name) && value.Count(char.IsAsciiDigit) <= LongestCount && Number().IsMatch(value);
    }

    /// <summary>Whether a value is a payment card number: 13 to 19 digits, the last of which is a valid check digit.</summary>
    public static bool IsCard(string value)
    {
        int digits = 0, sum = 0;
        for (var i = value.Length - 1; i >= 0; i--)
        {
            if (value[i] is ' ' or '-')
                continue;
            if (!char.IsAsciiDigit(value[i]))
                return false;
            var digit = value[i] - '0';
            if (digits++ % 2 == 1 && (digit *= 2) > 9)
                digit -= 9;
            sum += digit;
        }
        return digits is >= 13 and <= 19 && sum % 10 == 0;
    }

    private static bool IsTime(string value) =>
        Time().IsMatch(value) && DateTimeOffset.TryParse(value, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out _);

    // Requires a letter among the digits, because 16 digits alone may be a card number.
    [GeneratedRegex("^(?=.*[0-9])(?=.*[A-Za-z])([0-9a-fA-F]{16,128}|[0-9A-HJKMNP-TV-Z]{26})$", RegexOptions.CultureInvariant)]
    private static partial Regex Hash();

    [GeneratedRegex(@"^(\d{4}-\d{2}-\d{2}([T ][\d:.]+(Z|[+-]\d{2}:?\d{2})?)?|\d+(\.\d+)?:\d{2}:\d{2}(\.\d+)?)$", RegexOptions.CultureInvariant)]
    private static partial Regex Time();

    [GeneratedRegex("card|phone|mobile|tel$|fax|ssn|social|tax|passport|national|licen[cs]e|iban|account|patient|person|mail|user|login|name|street|zip|post|birth|dob$|ip$|address", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex Personal();

    [GeneratedRegex("(^|[_.-])[iI][dD][sS]?$|[a-z0-9](Id|ID)s?$", RegexOptions.CultureInvariant)]
    private static partial Regex IdName();

    [GeneratedRegex(@"^(?=.*\d)[A-Za-z0-9][A-Za-z0-9_.:/-]{0,63}$", RegexOptions.CultureInvariant)]
    private static partial Regex IdValue();

    [GeneratedRegex("(type|kind|status|state|level|priority|severity|mode|format|currency|culture|locale|version)$", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex WordName();

    [GeneratedRegex("^[A-Za-z][A-Za-z0-9_.-]{0,39}$", RegexOptions.CultureInvariant)]
    private static partial Regex WordValue();

    [GeneratedRegex(@"^v?\d{1,5}(\.\d{1,6}){0,3}$", RegexOptions.CultureInvariant)]
    private static partial Regex VersionValue();

    [GeneratedRegex("(count|attempts?|retries|index|quantity|size|length|page|limit|offset|duration|elapsed|timeout)$", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex CountName();

    [GeneratedRegex(@"^-?\d+(\.\d+)?$", RegexOptions.CultureInvariant)]
    private static partial Regex Number();
}
