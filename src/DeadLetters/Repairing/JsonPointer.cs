namespace WorkinIt.DeadLetters;

/// <summary>A JSON Pointer (RFC 6901), such as <c>/items/0/price</c>.</summary>
internal sealed class JsonPointer
{
    private readonly string _text;

    private JsonPointer(string text, IReadOnlyList<string> tokens) => (_text, Tokens) = (text, tokens);

    /// <summary>The names and indexes on the way, unescaped; empty for the complete message.</summary>
    public IReadOnlyList<string> Tokens { get; }

    public bool IsRoot => Tokens.Count == 0;

    /// <summary>Parses a pointer.</summary>
    /// <exception cref="FormatException">It is not a JSON Pointer.</exception>
    public static JsonPointer Parse(string text)
    {
        if (text.Length == 0)
            return new JsonPointer(text, []);
        if (text[0] != '/')
            throw new FormatException($"\"{text}\" must start with /, as in /items/0/price; the empty text means the complete message");
        return new JsonPointer(text, [.. text[1..].Split('/').Select(token => Unescaped(token, text))]);
    }

    /// <summary>Whether another pointer names a place inside the value that this one names.</summary>
    public bool Contains(JsonPointer other) => other.Tokens.Count > Tokens.Count && Tokens.SequenceEqual(other.Tokens.Take(Tokens.Count));

    /// <summary>The pointer to the first tokens, as text.</summary>
    public string Beginning(int tokens) => tokens == 0 ? "the message" : "/" + string.Join('/', _text[1..].Split('/').Take(tokens));

    public override string ToString() => IsRoot ? "the message" : _text;

    private static string Unescaped(string token, string text)
    {
        for (var i = token.IndexOf('~', StringComparison.Ordinal); i >= 0; i = token.IndexOf('~', i + 1))
        {
            if (i + 1 == token.Length || token[i + 1] is not ('0' or '1'))
                throw new FormatException($"\"{text}\" has a ~ that is not ~0 (for ~) or ~1 (for /)");
        }
        return token.Replace("~1", "/", StringComparison.Ordinal).Replace("~0", "~", StringComparison.Ordinal);
    }
}
