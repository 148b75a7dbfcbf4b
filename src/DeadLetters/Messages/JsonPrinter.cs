using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace WorkinIt.DeadLetters;

/// <summary>A text, cut to the length that is shown.</summary>
/// <param name="Text">The text.</param>
/// <param name="IsCut">Whether the text was cut.</param>
public sealed record ShownText(string Text, bool IsCut)
{
    /// <summary>The beginning of a text, up to a number of characters.</summary>
    internal static ShownText Of(string text, int most) => text.Length > most ? new ShownText(text[..most], true) : new ShownText(text, false);
}

/// <summary>Options for printing JSON.</summary>
internal sealed record PrintOptions
{
    /// <summary>The maximum length in characters, approximately.</summary>
    public int Most { get; init; } = int.MaxValue;

    public bool Masked { get; init; }

    /// <summary>What the top level of the JSON is.</summary>
    public MessageArea Area { get; init; }

    /// <summary>What the envelope's message is.</summary>
    public MessageArea Message { get; init; }
}

/// <summary>
/// Prints JSON indented, optionally masked, up to a length. Works token by token, so it needs memory only for the output, however large the JSON is.
/// Prints as it is what a parsed document would refuse, such as half an emoji or a duplicate name.
/// </summary>
internal sealed partial class JsonPrinter(PrintOptions options)
{
    private const int Deepest = 256;

    private readonly StringBuilder _text = new();
    private readonly Stack<Place> _parents = new();
    private Place _now = new(options.Area, "", null);
    private bool _isAmqp10;
    private bool _first = true;
    private int _keys;

    /// <summary>Prints JSON; null if the part that was read is not valid JSON.</summary>
    public static ShownText? Print(ReadOnlySpan<byte> json, PrintOptions options)
    {
        if (json.StartsWith("\uFEFF"u8))
            json = json[3..];
        return new JsonPrinter(options).Print(json);
    }

    private ShownText? Print(ReadOnlySpan<byte> json)
    {
        var reader = new Utf8JsonReader(json, new JsonReaderOptions { MaxDepth = Deepest });
        try
        {
            while (_text.Length < options.Most && reader.Read())
                Token(ref reader);
        }
        catch (JsonException)
        {
            return null;
        }
        if (_text.Length == 0)
            return null;
        return _text.Length >= options.Most ? new ShownText(_text.ToString(0, options.Most), true) : new ShownText(_text.ToString(), false);
    }

    private void Token(ref Utf8JsonReader reader)
    {
        switch (reader.TokenType)
        {
            case JsonTokenType.PropertyName:
                Separate(reader.CurrentDepth);
                var name = Decoded(ref reader);
                _now = _now with { Name = name, MarkedName = MarkedName(name) };
                Quoted(options.Masked && !IsKnownKey(name) ? Key(name) : name);
                _text.Append(": ");
                break;
            case JsonTokenType.StartObject or JsonTokenType.StartArray:
                SeparateItem(ref reader);
                _text.Append(reader.TokenType == JsonTokenType.StartObject ? '{' : '[');
                _parents.Push(_now);
                if (reader.TokenType == JsonTokenType.StartObject)
                    _now = _now with { Area = _parents.Count == 1 ? options.Area : Inside() };
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

    // An object in an array has the area of the array's name.
    private MessageArea Inside() => _now.Area.Under(_now.Name, options.Message);

    private void Scalar(ref Utf8JsonReader reader)
    {
        if (reader.TokenType == JsonTokenType.String)
        {
            var value = Decoded(ref reader);
            Quoted(options.Masked ? Masked(value) : value);
        }
        else
        {
            var raw = Encoding.UTF8.GetString(reader.ValueSpan);
            var isHidden = options.Masked && reader.TokenType == JsonTokenType.Number && !_now.Area.IsOwn(_now.Name) && (!Harmless.IsNamed(_now.Name, raw) || IsMarkedPersonal(raw));
            _text.Append(isHidden ? "\"…\"" : raw);
        }
    }

    private string Masked(string value) =>
        _now.Area.IsOwn(_now.Name) ? Masking.Text(value)
        : _now.Area == MessageArea.Headers ? Masking.Header(_now.Name, value)
        : IsMarkedPersonal(value) ? Masking.Named(_now.MarkedName!, value)
        : Masking.Named(_now.Name, value);

    // The sections of AMQP 1.0 mark a value by an object around it. The value is shown only if the name of that object allows it, too. Other JSON may have
    // the name of a section by chance: then a few more of its values are masked.
    private string? MarkedName(string name)
    {
        _isAmqp10 |= _parents.All(parent => parent.Name.Length == 0) && Amqp10Section.IsName(name);
        return options.Masked && _isAmqp10 && Amqp10Body.IsMark(name) && _parents.Peek() is var parent ? parent.MarkedName ?? parent.Name : null;
    }

    private bool IsMarkedPersonal(string value) => _now.MarkedName is { } name && !Harmless.IsNamed(name, value);

    // The keys of a dictionary may be names or addresses. The number distinguishes keys that look the same when masked.
    private string Key(string key) =>
        (Identifier().IsMatch(key) || Harmless.IsShape(key) ? Masking.Text(key) : Masking.Value(key)) is var masked && masked == key
            ? key : string.Create(CultureInfo.InvariantCulture, $"{masked} ({++_keys})");

    private bool IsKnownKey(string name) => _now.Area == MessageArea.Headers || _now.Area.IsOwn(name);

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

    // Unescaped, for readability, except for characters that would break the line or the quotes.
    private void Quoted(string value)
    {
        _text.Append('"');
        foreach (var c in value.AsSpan(0, Math.Min(value.Length, Math.Max(0, options.Most - _text.Length))))
        {
            _ = c switch
            {
                '"' => _text.Append("\\\""),
                '\\' => _text.Append("\\\\"),
                '\n' => _text.Append("\\n"),
                '\r' => _text.Append("\\r"),
                '\t' => _text.Append("\\t"),
                _ when char.IsControl(c) => _text.Append(CultureInfo.InvariantCulture, $"\\u{(int)c:x4}"),
                _ => _text.Append(c),
            };
        }
        _text.Append('"');
    }

    // Half a character can't be decoded, so its escape is shown.
    private static string Decoded(ref Utf8JsonReader reader)
    {
        try
        {
            return reader.GetString()!;
        }
        catch (InvalidOperationException)
        {
            return Encoding.UTF8.GetString(reader.ValueSpan);
        }
    }

    // Where a token is: its area, its name, and in AMQP 1.0 the name of the value that its object marks; null if the object marks none.
    private readonly record struct Place(MessageArea Area, string Name, string? MarkedName);

    [GeneratedRegex(@"^[\p{L}_$][\w$.:\-]*$", RegexOptions.CultureInvariant)]
    private static partial Regex Identifier();
}
