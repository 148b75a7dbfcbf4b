using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using WorkinIt.DeadLetters;

namespace WorkinIt.Cli.DeadLetters.Testing;

/// <summary>
/// Prints JSON for a test: indented, with all characters that are unsafe in C# escaped, and if it is masked, with values that keep their JSON type. It masks the
/// values that the pages mask.
/// </summary>
internal sealed partial class TestJson
{
    private const int Deepest = 256;

    private readonly bool _masked;
    private readonly MessageArea _root;
    private readonly StringBuilder _text = new();
    private readonly Stack<(MessageArea Area, string Name, string Path, HashSet<string>? Keys)> _parents = new();
    private readonly HashSet<string> _hidden = [];
    private readonly List<string> _paths = [];
    private (MessageArea Area, string Name, string Path, HashSet<string>? Keys) _now;
    private bool _first = true;

    private TestJson(bool masked, MessageArea root, string name, string path) => (_masked, _root, _now) = (masked, root, (root, name, path, null));

    /// <summary>Prints JSON.</summary>
    /// <param name="json">Valid JSON.</param>
    /// <param name="masked">Whether to mask it.</param>
    /// <param name="area">What the JSON is.</param>
    /// <param name="name">Its name, which decides about a single value.</param>
    /// <param name="path">How the paths of masked values begin.</param>
    /// <returns>The JSON, and the paths of the masked values; the items of an array have one path.</returns>
    public static (string Json, IReadOnlyList<string> Masked) Print(ReadOnlySpan<byte> json, bool masked, MessageArea area, string name, string path)
    {
        var printer = new TestJson(masked, area, name, path);
        var reader = new Utf8JsonReader(json, new JsonReaderOptions { MaxDepth = Deepest });
        while (reader.Read())
            printer.Token(ref reader);
        return (printer._text.ToString(), printer._paths);
    }

    private void Token(ref Utf8JsonReader reader)
    {
        switch (reader.TokenType)
        {
            case JsonTokenType.PropertyName:
                Separate(reader.CurrentDepth);
                Name(ref reader);
                break;
            case JsonTokenType.StartObject or JsonTokenType.StartArray:
                SeparateItem(ref reader);
                var isObject = reader.TokenType == JsonTokenType.StartObject;
                _text.Append(isObject ? '{' : '[');
                _parents.Push(_now);
                if (isObject)
                    _now = (_parents.Count == 1 ? _root : _now.Area.Under(_now.Name, _root), _now.Name, _now.Path, []);
                else
                    _now.Path += "[]";
                _first = true;
                break;
            case JsonTokenType.EndObject or JsonTokenType.EndArray:
                if (!_first)
                    NewLine(reader.CurrentDepth);
                _text.Append(reader.TokenType == JsonTokenType.EndObject ? '}' : ']');
                _now = _parents.Pop();
                _first = false;
                break;
            default:
                SeparateItem(ref reader);
                Scalar(ref reader);
                break;
        }
    }

    private void Name(ref Utf8JsonReader reader)
    {
        var parent = _parents.Peek();
        var (name, shown) = Decoded(ref reader);
        var isHidden = _masked && _now.Area != MessageArea.Headers && !_now.Area.IsOwn(name) && IsPersonalKey(name);
        if (isHidden)
        {
            var hidden = Disguise.Text(name);
            for (var number = 1; !_now.Keys!.Add(hidden); number++)
                hidden = string.Create(CultureInfo.InvariantCulture, $"{Disguise.Text(name)}{number}");
            shown = hidden;
        }
        else
        {
            _now.Keys!.Add(name);
        }
        (_now.Name, _now.Path) = (name, parent.Path.Length == 0 ? shown : $"{parent.Path}.{shown}");
        if (isHidden)
            Hidden($"{_now.Path} (the name)");
        Quoted(shown, isHidden || shown == name);
        _text.Append(": ");
    }

    private void Scalar(ref Utf8JsonReader reader)
    {
        if (reader.TokenType == JsonTokenType.String)
        {
            var (value, shown) = Decoded(ref reader);
            var isHidden = _masked && value.Length > 0 && Masked(value) != value;
            if (isHidden)
                Hidden(_now.Path);
            Quoted(isHidden ? Disguise.Text(value) : shown, isHidden || shown == value);
            return;
        }
        var raw = Encoding.UTF8.GetString(reader.ValueSpan);
        var hides = _masked && reader.TokenType == JsonTokenType.Number && !_now.Area.IsOwn(_now.Name) && !Harmless.IsNamed(_now.Name, raw) && Disguise.Number(raw) != raw;
        if (hides)
            Hidden(_now.Path);
        _text.Append(hides ? Disguise.Number(raw) : raw);
    }

    private string Masked(string value) =>
        _now.Area.IsOwn(_now.Name) ? Masking.Text(value)
        : _now.Area == MessageArea.Headers ? Masking.Header(_now.Name, value)
        : Masking.Named(_now.Name, value);

    private static bool IsPersonalKey(string key) => (Identifiers().IsMatch(key) || Harmless.IsShape(key) ? Masking.Text(key) : Masking.Value(key)) != key;

    private void Hidden(string path)
    {
        if (_hidden.Add(path))
            _paths.Add(path);
    }

    private void SeparateItem(ref Utf8JsonReader reader)
    {
        if (_text.Length > 0 && _text[^1] != ' ')
            Separate(reader.CurrentDepth);
    }

    private void Separate(int depth)
    {
        if (!_first)
            _text.Append(',');
        _first = false;
        NewLine(depth);
    }

    private void NewLine(int depth) => _text.Append('\n').Append(' ', depth * 2);

    // A quote within a string is escaped as a number, so that three quotes in a row never occur.
    private void Quoted(string value, bool isDecoded)
    {
        var escaped = !isDecoded ? value : value.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\u0022", StringComparison.Ordinal)
            .Replace("\n", "\\n", StringComparison.Ordinal).Replace("\r", "\\r", StringComparison.Ordinal).Replace("\t", "\\t", StringComparison.Ordinal);
        _text.Append('"').Append(CSharpText.Json(escaped)).Append('"');
    }

    // Text with half a surrogate pair can't be decoded: it is shown as it is in the JSON.
    private static (string Value, string Shown) Decoded(ref Utf8JsonReader reader)
    {
        try
        {
            var value = reader.GetString()!;
            return (value, value);
        }
        catch (InvalidOperationException)
        {
            var raw = Encoding.UTF8.GetString(reader.ValueSpan);
            return (raw + "\uFFFD", raw); // never equal, so that the raw text is printed without a second escape
        }
    }

    [GeneratedRegex(@"^[\p{L}_$][\w$.:\-]*$", RegexOptions.CultureInvariant)]
    private static partial Regex Identifiers();
}
