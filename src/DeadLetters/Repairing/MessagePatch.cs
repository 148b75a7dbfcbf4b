using System.Text.Encodings.Web;
using System.Text.Json;

namespace WorkinIt.DeadLetters;

/// <summary>
/// A JSON Patch (RFC 6902) for the messages of dead letters. It changes the places that it names, and keeps all other text of a message byte for
/// byte: numbers keep their digits, and properties their order.
/// </summary>
public sealed class MessagePatch
{
    private static readonly JsonDocumentOptions _parsing = new() { MaxDepth = 256 };

    private readonly string _text;
    private readonly IReadOnlyList<PatchOperation> _operations;

    private MessagePatch(string text, IReadOnlyList<PatchOperation> operations) => (_text, _operations) = (text, operations);

    /// <summary>Parses a patch: an array of the operations add, remove, replace, move, copy and test.</summary>
    /// <param name="json">The patch, up to 256 KiB and 1,000 operations.</param>
    /// <exception cref="FormatException">It is not a JSON Patch. The exception's message names the operation, its line, and what is valid.</exception>
    public static MessagePatch Parse(string json)
    {
        ArgumentNullException.ThrowIfNull(json);
        return new MessagePatch(json.Trim(), PatchReader.Read(json));
    }

    /// <summary>The patch as it was written.</summary>
    public override string ToString() => _text;

    /// <summary>Applies all operations to a message, or none.</summary>
    /// <param name="message">The message as JSON.</param>
    /// <returns>The new message; or null and why the patch does not apply, in words without values of the message.</returns>
    internal (byte[]? Message, string? Problem) Apply(ReadOnlySpan<byte> message)
    {
        // A patch can copy a value into itself again and again.
        var most = (2L * message.Length) + (4L * _text.Length) + (1 << 20);
        byte[] json = [.. message];
        foreach (var operation in _operations)
        {
            string? problem;
            try
            {
                problem = Apply(ref json, operation);
            }
            catch (JsonException)
            {
                problem = "the message would be nested deeper than 256 levels";
            }
            if (problem is null && json.Length > most)
                problem = "the message would be more than twice as large";
            if (problem is not null)
                return (null, $"{operation}: {problem}");
        }
        return (json, null);
    }

    private static string? Apply(ref byte[] json, PatchOperation operation) => operation.Kind switch
    {
        PatchKind.Add => Add(ref json, operation.Path, operation.NewValue),
        PatchKind.Remove => Remove(ref json, operation.Path),
        PatchKind.Replace => Replace(ref json, operation.Path, operation.NewValue),
        PatchKind.Move => Move(ref json, operation.From!, operation.Path),
        PatchKind.Copy => Copy(ref json, operation.From!, operation.Path),
        _ => Test(json, operation.Path, operation.NewValue),
    };

    private static string? Add(ref byte[] json, JsonPointer path, ReadOnlySpan<byte> value)
    {
        if (path.IsRoot)
            return Replace(ref json, path, value);
        var (parent, problem) = JsonPlaces.FindParent(json, path);
        if (problem is not null)
            return problem;
        return json[parent.Value] switch
        {
            (byte)'{' => AddProperty(ref json, parent, path, value),
            (byte)'[' => AddItem(ref json, parent, path, value),
            _ => $"{path.Beginning(path.Tokens.Count - 1)} is neither an object nor an array",
        };
    }

    private static string? AddProperty(ref byte[] json, JsonPlace parent, JsonPointer path, ReadOnlySpan<byte> value)
    {
        var (named, lastEnd) = JsonPlaces.Properties(json.AsSpan(parent.Value..parent.End), path.Tokens[^1]);
        if (named.Count > 1)
            return $"{path} occurs more than once";
        if (named is [var existing])
        {
            json = Spliced(json, parent.Value + existing.Value, parent.Value + existing.End, value);
            return null;
        }
        var name = JsonEncodedText.Encode(path.Tokens[^1], JavaScriptEncoder.UnsafeRelaxedJsonEscaping).EncodedUtf8Bytes;
        var at = parent.Value + Math.Max(1, lastEnd);
        json = Spliced(json, at, at, [.. lastEnd == 0 ? ""u8 : ","u8, (byte)'"', .. name, .. "\":"u8, .. value]);
        return null;
    }

    private static string? AddItem(ref byte[] json, JsonPlace parent, JsonPointer path, ReadOnlySpan<byte> value)
    {
        var items = JsonPlaces.Items(json.AsSpan(parent.Value..parent.End));
        var token = path.Tokens[^1];
        if ((token == "-" ? items.Count : JsonPlaces.Index(token)) is not { } index)
            return $"{path.Beginning(path.Tokens.Count - 1)} is an array, and \"{token}\" is neither an index nor -";
        if (index > items.Count)
            return $"{path} is beyond the end of the array";
        if (index < items.Count)
            json = Spliced(json, parent.Value + items[index].Value, parent.Value + items[index].Value, [.. value, (byte)',']);
        else if (items.Count > 0)
            json = Spliced(json, parent.Value + items[^1].End, parent.Value + items[^1].End, [(byte)',', .. value]);
        else
            json = Spliced(json, parent.Value + 1, parent.Value + 1, value);
        return null;
    }

    private static string? Remove(ref byte[] json, JsonPointer path)
    {
        var (place, problem) = JsonPlaces.Find(json, path);
        if (problem is null)
            json = place.CutFrom(json);
        return problem;
    }

    private static string? Replace(ref byte[] json, JsonPointer path, ReadOnlySpan<byte> value)
    {
        var (place, problem) = JsonPlaces.Find(json, path);
        if (problem is null)
            json = Spliced(json, place.Value, place.End, value);
        return problem;
    }

    private static string? Move(ref byte[] json, JsonPointer from, JsonPointer path)
    {
        var (place, problem) = JsonPlaces.Find(json, from);
        if (problem is not null || from.Tokens.SequenceEqual(path.Tokens))
            return problem;
        var value = json[place.Value..place.End];
        json = place.CutFrom(json);
        return Add(ref json, path, value);
    }

    private static string? Copy(ref byte[] json, JsonPointer from, JsonPointer path)
    {
        var (place, problem) = JsonPlaces.Find(json, from);
        return problem ?? Add(ref json, path, json.AsSpan(place.Value..place.End));
    }

    private static string? Test(byte[] json, JsonPointer path, ReadOnlySpan<byte> value)
    {
        var (place, problem) = JsonPlaces.Find(json, path);
        return problem ?? (IsEqual(json.AsMemory(place.Value..place.End), value.ToArray()) ? null : $"{path} has another value");
    }

    // As RFC 6902 compares: by value, so 1.0 equals 1.00; exact, however many digits there are; properties in any order.
    private static bool IsEqual(ReadOnlyMemory<byte> one, ReadOnlyMemory<byte> other)
    {
        if (one.Span.SequenceEqual(other.Span))
            return true;
        try
        {
            using var a = JsonDocument.Parse(one, _parsing);
            using var b = JsonDocument.Parse(other, _parsing);
            return JsonElement.DeepEquals(a.RootElement, b.RootElement);
        }
        catch (Exception e) when (e is InvalidOperationException or ArgumentException) // half a surrogate pair, or an exponent beyond 32 bits
        {
            return false;
        }
    }

    private static byte[] Spliced(ReadOnlySpan<byte> json, int start, int end, ReadOnlySpan<byte> value) => [.. json[..start], .. value, .. json[end..]];
}
