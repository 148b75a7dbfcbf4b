using System.Text;

namespace WorkinIt.DeadLetters;

/// <summary>Formats JSON.</summary>
public static class JsonText
{
    /// <summary>Indents JSON and keeps every value as it is; null if it is not JSON. Two texts that differ only in format give the same result.</summary>
    /// <param name="json">The JSON.</param>
    public static string? Indented(string json) => JsonPrinter.Print(Encoding.UTF8.GetBytes(json), new PrintOptions())?.Text;
}
