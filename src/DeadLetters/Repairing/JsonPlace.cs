using System.Text.Json;

namespace WorkinIt.DeadLetters;

/// <summary>Where a value is in JSON text, in bytes.</summary>
/// <param name="Start">The start of its property's name; for an array item and the root, the start of the value.</param>
/// <param name="Value">The start of the value.</param>
/// <param name="End">The end of the value.</param>
internal readonly record struct JsonPlace(int Start, int Value, int End)
{
    /// <summary>JSON text without the property or item at this place, and without one comma: the one after it, or the one before it if it is the last.</summary>
    public byte[] CutFrom(ReadOnlySpan<byte> json)
    {
        var (start, end) = (Start, End);
        var after = end;
        while (after < json.Length && IsSpace(json[after]))
            after++;
        if (after < json.Length && json[after] == ',')
        {
            end = after + 1;
            while (end < json.Length && IsSpace(json[end]))
                end++;
        }
        else
        {
            var before = start - 1;
            while (before >= 0 && IsSpace(json[before]))
                before--;
            if (before >= 0 && json[before] == ',')
                start = before;
        }
        return [.. json[..start], .. json[end..]];
    }

    private static bool IsSpace(byte c) => c is (byte)' ' or (byte)'\n' or (byte)'\r' or (byte)'\t';
}

/// <summary>Finds places in JSON text by JSON Pointer. Names are compared exactly, after their escapes.</summary>
internal static class JsonPlaces
{
    private static readonly JsonReaderOptions _reading = new() { MaxDepth = 256 };

    /// <summary>Finds the value that a pointer names.</summary>
    /// <returns>The place, and null; or why there is none.</returns>
    /// <exception cref="JsonException">The JSON is too deep.</exception>
    public static (JsonPlace Place, string? Problem) Find(ReadOnlySpan<byte> json, JsonPointer pointer) => Find(json, pointer, pointer.Tokens.Count);

    /// <summary>Finds the object or array that contains the value that a pointer names.</summary>
    public static (JsonPlace Place, string? Problem) FindParent(ReadOnlySpan<byte> json, JsonPointer pointer) => Find(json, pointer, pointer.Tokens.Count - 1);

    /// <summary>The places of the properties with a name in the object at the start of the JSON, and the end of the last property of any name; 0 if there is none.</summary>
    public static (IReadOnlyList<JsonPlace> Named, int LastEnd) Properties(ReadOnlySpan<byte> json, string name)
    {
        var (named, end) = (new List<JsonPlace>(), 0);
        var reader = new Utf8JsonReader(json, _reading);
        reader.Read();
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var start = (int)reader.TokenStartIndex;
            var isIt = IsNamed(ref reader, name);
            var value = Skip(ref reader);
            end = value.End;
            if (isIt)
                named.Add(value with { Start = start });
        }
        return (named, end);
    }

    /// <summary>The places of the items of the array at the start of the JSON, up to a number of them.</summary>
    public static IReadOnlyList<JsonPlace> Items(ReadOnlySpan<byte> json, int most = int.MaxValue)
    {
        var items = new List<JsonPlace>();
        var reader = new Utf8JsonReader(json, _reading);
        reader.Read();
        while (items.Count < most && reader.Read() && reader.TokenType != JsonTokenType.EndArray)
        {
            var start = (int)reader.TokenStartIndex;
            reader.Skip();
            items.Add(new JsonPlace(start, start, (int)reader.BytesConsumed));
        }
        return items;
    }

    /// <summary>An array index as RFC 6901 allows it, without leading zeros; null if it is none.</summary>
    public static int? Index(string token) =>
        token.Length is > 0 and < 10 && token.All(char.IsAsciiDigit) && (token.Length == 1 || token[0] != '0') ? int.Parse(token, System.Globalization.CultureInfo.InvariantCulture) : null;

    private static (JsonPlace Place, string? Problem) Find(ReadOnlySpan<byte> json, JsonPointer pointer, int tokens)
    {
        var reader = new Utf8JsonReader(json, _reading);
        var place = Skip(ref reader);
        for (var i = 0; i < tokens; i++)
        {
            var inside = json[place.Value..place.End];
            var token = pointer.Tokens[i];
            var (found, problem) = inside[0] switch
            {
                (byte)'{' => Property(inside, pointer, i, token),
                (byte)'[' => Item(inside, pointer, i, token),
                _ => (default, $"{pointer.Beginning(i)} is neither an object nor an array"),
            };
            if (problem is not null)
                return (default, problem);
            place = new JsonPlace(place.Value + found.Start, place.Value + found.Value, place.Value + found.End);
        }
        return (place, null);
    }

    private static (JsonPlace Place, string? Problem) Property(ReadOnlySpan<byte> json, JsonPointer pointer, int index, string name) =>
        Properties(json, name).Named switch
        {
            [var only] => (only, null),
            [] => (default, $"{pointer.Beginning(index + 1)} is missing"),
            _ => (default, $"{pointer.Beginning(index + 1)} occurs more than once"),
        };

    private static (JsonPlace Place, string? Problem) Item(ReadOnlySpan<byte> json, JsonPointer pointer, int index, string token) =>
        Index(token) is not { } at ? (default, $"{pointer.Beginning(index)} is an array, and \"{token}\" is not the index of an item")
        : Items(json, at + 1) is { } items && items.Count > at ? (items[at], null)
        : (default, $"{pointer.Beginning(index + 1)} is missing");

    // Moves to the next token, and behind the value that begins there.
    private static JsonPlace Skip(ref Utf8JsonReader reader)
    {
        reader.Read();
        var value = (int)reader.TokenStartIndex;
        reader.Skip();
        return new JsonPlace(value, value, (int)reader.BytesConsumed);
    }

    private static bool IsNamed(ref Utf8JsonReader reader, string name)
    {
        try
        {
            return reader.ValueTextEquals(name);
        }
        catch (InvalidOperationException) // the property's name contains half a surrogate pair
        {
            return false;
        }
    }
}
