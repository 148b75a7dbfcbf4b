using System.Text;

namespace WorkinIt.DeadLetters;

/// <summary>JSON as text.</summary>
public static class JsonText
{
    /// <summary>Indented, every value as it is; null where it is not JSON. Two texts that say the same in another format are the same afterwards.</summary>
    /// <param name="json">The JSON.</param>
    public static string? Indented(string json) => JsonPrinter.Print(Encoding.UTF8.GetBytes(json), new PrintOptions())?.Text;
}
