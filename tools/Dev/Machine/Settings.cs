using System.Collections;

namespace WorkinIt.Dev.Machine;

/// <summary>Environment variables of the person who typed the command.</summary>
internal static class Settings
{
    /// <summary>The secret of a developer's machine, publicly known; the same as in compose.yaml.</summary>
    public static string OptOutSecret => Get("OptOut__Secret", "known-to-everybody-and-for-a-developers-machine-only");

    /// <summary>Returns the value of a variable; null if it is not set or empty.</summary>
    public static string? Find(string variable) => Environment.GetEnvironmentVariable(variable) is { Length: > 0 } value ? value : null;

    /// <summary>Returns the value of a variable, or a default if it is not set or empty.</summary>
    public static string Get(string variable, string otherwise) => Find(variable) ?? otherwise;

    /// <summary>Returns the port that a variable names, or null if it is not set or empty.</summary>
    /// <exception cref="ToolException">It is not a port number.</exception>
    public static int? Port(string variable) => Find(variable) is { } text ? Ports.Parse(text, variable) : null;

    /// <summary>Returns the names of all variables that begin with a text.</summary>
    public static IReadOnlyList<string> StartingWith(string prefix) =>
        [.. Environment.GetEnvironmentVariables().Cast<DictionaryEntry>().Select(entry => (string)entry.Key).Where(name => name.StartsWith(prefix, StringComparison.Ordinal))];
}
