using System.Text.RegularExpressions;

namespace WorkinIt.Cli;

/// <summary>Rewrites the parser's error about a value of the wrong type, without the names of .NET types.</summary>
internal static partial class WrongValue
{
    public static string InWords(string error) => Wrong().Match(error) is { Success: true } match
        ? $"{match.Groups["name"].Value}: “{match.Groups["value"].Value}” is not {Kind(match.Groups["type"].Value)}"
        : error;

    private static string Kind(string type) =>
        type.Contains("Int", StringComparison.Ordinal) ? "a whole number, such as 50"
        : type.Contains("Double", StringComparison.Ordinal) ? "a number, such as 20 or 0.5"
        : type.Contains("Boolean", StringComparison.Ordinal) ? "true or false"
        : "a valid value";

    [GeneratedRegex("^Cannot parse argument '(?<value>.*)' for (?:option|command|argument) '(?<name>[^']*)' as expected type '(?<type>.*)'", RegexOptions.CultureInvariant | RegexOptions.Singleline)]
    private static partial Regex Wrong();
}
