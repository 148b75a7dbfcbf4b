using System.Globalization;
using System.Text;
using System.Text.Json;

namespace WorkinIt.DeadLetters;

/// <summary>Reads a JSON Patch. Each error names the operation, its line and what is valid.</summary>
internal ref struct PatchReader
{
    private const int LargestPatch = 256 * 1024; // bytes: the audit log keeps the patch
    private const int MostOperations = 1000;
    private const string Example = """a patch is an array such as [{"op":"replace","path":"/currency","value":"EUR"}]""";
    private const string Kinds = "add, remove, replace, move, copy, test";

    private readonly ReadOnlySpan<byte> _json;
    private Utf8JsonReader _reader;
    private int _number;
    private int _line;

    private PatchReader(ReadOnlySpan<byte> json)
    {
        _json = json;
        _reader = new Utf8JsonReader(json, new JsonReaderOptions { MaxDepth = 256 });
    }

    /// <summary>Reads all operations.</summary>
    /// <exception cref="FormatException">It is not a JSON Patch.</exception>
    public static IReadOnlyList<PatchOperation> Read(string json)
    {
        var bytes = Encoding.UTF8.GetBytes(json.TrimStart('\uFEFF'));
        if (bytes.Length > LargestPatch)
            throw new FormatException(string.Create(CultureInfo.InvariantCulture, $"The patch has {bytes.Length:N0} bytes: at most {LargestPatch:N0} are allowed"));
        var reader = new PatchReader(bytes);
        try
        {
            return reader.ReadAll();
        }
        catch (JsonException e)
        {
            throw new FormatException($"The patch is not valid JSON (line {(e.LineNumber ?? 0) + 1}, byte {(e.BytePositionInLine ?? 0) + 1}): {Example}");
        }
        catch (InvalidOperationException)
        {
            throw reader.Wrong("a text contains half a surrogate pair, which is not a character");
        }
    }

    private List<PatchOperation> ReadAll()
    {
        if (!_reader.Read() || _reader.TokenType != JsonTokenType.StartArray)
            throw new FormatException($"The patch is not an array (line 1): {Example}");
        var operations = new List<PatchOperation>();
        while (_reader.Read() && _reader.TokenType != JsonTokenType.EndArray)
        {
            _number++;
            _line = _json[..(int)_reader.TokenStartIndex].Count((byte)'\n') + 1;
            operations.Add(ReadOne());
        }
        _reader.Read(); // throws if anything follows the array
        if (operations.Count is 0 or > MostOperations)
            throw new FormatException(string.Create(CultureInfo.InvariantCulture, $"The patch has {operations.Count:N0} operations: it needs 1 to {MostOperations:N0}; {Example}"));
        return operations;
    }

    private PatchOperation ReadOne()
    {
        if (_reader.TokenType != JsonTokenType.StartObject)
            throw Wrong($"not an object; {Example}");
        var texts = new Dictionary<string, string>();
        byte[]? value = null;
        while (_reader.Read() && _reader.TokenType == JsonTokenType.PropertyName)
        {
            var name = _reader.GetString()!;
            _reader.Read();
            var isValue = name == "value";
            if (texts.ContainsKey(name) || (isValue && value is not null))
                throw Wrong($"\"{name}\" occurs twice: use it once");
            if (isValue)
                value = Raw();
            else if (name is "op" or "path" or "from")
                texts.Add(name, _reader.TokenType == JsonTokenType.String ? _reader.GetString()! : throw Wrong($"\"{name}\" is not a text"));
            else
                _reader.Skip(); // RFC 6902: ignore members that it does not define
        }
        return Operation(texts, value);
    }

    private readonly PatchOperation Operation(Dictionary<string, string> texts, byte[]? value)
    {
        if (!texts.TryGetValue("op", out var op))
            throw Wrong($"\"op\" is missing. Valid: {Kinds}");
        var kind = KindOf(op) ?? throw Wrong($"\"op\" is \"{op}\". Valid: {Kinds}");
        var path = Pointer(texts, "path", op);
        var from = kind is PatchKind.Move or PatchKind.Copy ? Pointer(texts, "from", op) : null;
        if (kind is PatchKind.Add or PatchKind.Replace or PatchKind.Test && value is null)
            throw Wrong($"\"value\" is missing: {op} needs one (null is valid)");
        if (kind == PatchKind.Remove && path.IsRoot)
            throw Wrong("the complete message can't be removed. To remove a property, use a path such as /items");
        if (kind == PatchKind.Move && from!.Contains(path))
            throw Wrong($"{from} can't be moved into itself");
        return new PatchOperation(_number, kind, path, from, value);
    }

    private static PatchKind? KindOf(string op) => op switch
    {
        "add" => PatchKind.Add,
        "remove" => PatchKind.Remove,
        "replace" => PatchKind.Replace,
        "move" => PatchKind.Move,
        "copy" => PatchKind.Copy,
        "test" => PatchKind.Test,
        _ => null,
    };

    private readonly JsonPointer Pointer(Dictionary<string, string> texts, string name, string op)
    {
        if (!texts.TryGetValue(name, out var text))
            throw Wrong($"\"{name}\" is missing: {op} needs one, such as /items/0");
        try
        {
            return JsonPointer.Parse(text);
        }
        catch (FormatException e)
        {
            throw Wrong($"\"{name}\" {e.Message}");
        }
    }

    private byte[] Raw()
    {
        var start = (int)_reader.TokenStartIndex;
        _reader.Skip();
        return _json[start..(int)_reader.BytesConsumed].ToArray();
    }

    private readonly FormatException Wrong(string what) => new($"Operation {_number} of the patch (line {_line}): {what}");
}
