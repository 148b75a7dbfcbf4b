using System.Globalization;
using System.Text;
using System.Text.Json;
using WorkinIt.DeadLetters;

namespace WorkinIt.Cli.DeadLetters.Testing;

/// <summary>The ids and headers of a dead letter that its consumer could read, as assignments in C#.</summary>
internal sealed class TestHeaders
{
    private static readonly (string Envelope, string CSharp)[] _ids =
        [("messageId", "MessageId"), ("conversationId", "ConversationId"), ("correlationId", "CorrelationId"), ("initiatorId", "InitiatorId"), ("requestId", "RequestId")];

    private readonly List<string> _assignments = [];
    private readonly List<string> _masked = [];
    private readonly List<string> _omitted = [];
    private readonly HashSet<string> _names = new(StringComparer.OrdinalIgnoreCase);
    private readonly bool _reveal;

    private TestHeaders(bool reveal) => _reveal = reveal;

    /// <summary>Statements about a variable <c>context</c>.</summary>
    public IReadOnlyList<string> Assignments => _assignments;

    /// <summary>The names of the headers whose values are masked.</summary>
    public IReadOnlyList<string> Masked => _masked;

    /// <summary>The names of the headers that a test can't set.</summary>
    public IReadOnlyList<string> Omitted => _omitted;

    /// <summary>Reads the ids and headers of a dead letter.</summary>
    /// <param name="letter">The dead letter.</param>
    /// <param name="reveal">Whether to show values unmasked.</param>
    public static TestHeaders Of(DeadLetter letter, bool reveal)
    {
        var read = new TestHeaders(reveal);
        using var envelope = Envelope.IsEnvelope(letter.ContentType) ? Envelope.TryParse(letter.Body) : null;
        foreach (var (name, property) in _ids)
            read.AddId(property, (envelope is null ? null : Envelope.TextOf(letter.Body.Span, name)) ?? (property == "MessageId" ? letter.MessageId : null));
        if (letter.ResponseAddress is not null)
            read._assignments.Add("context.ResponseAddress = harness.Bus.Address; // not the real one");
        if (envelope is not null && Envelope.Property(envelope.RootElement, "headers") is { ValueKind: JsonValueKind.Object } headers)
        {
            foreach (var header in headers.EnumerateObject())
                read.Add(header.Name, () => read.Value(header.Name, header.Value));
        }
        foreach (var (name, value) in (letter.Properties.Headers ?? new Dictionary<string, object?>()).OrderBy(header => header.Key, StringComparer.Ordinal))
            read.Add(name, () => read.Value(name, value));
        return read;
    }

    private void AddId(string property, string? id)
    {
        if (Guid.TryParse(id, out var guid))
            _assignments.Add($"context.{property} = new Guid(\"{guid}\");");
    }

    private void Add(string name, Func<string?> value)
    {
        if (IsOfApplication(name) && _names.Add(name))
        {
            if (value() is { } literal)
                _assignments.Add($"context.Headers.Set({CSharpText.Literal(name)}, {literal});");
            else
                _omitted.Add(name);
        }
    }

    private static bool IsOfApplication(string name) =>
        !name.StartsWith("MT-", StringComparison.Ordinal) && !name.StartsWith("Original-", StringComparison.Ordinal) && !name.StartsWith("x-", StringComparison.Ordinal)
        && !Headers.IsOfOperation(name) && !Headers.IsOfBroker(name) && name is not ("Content-Type" or "publishId" or "traceparent" or "tracestate" or "CC" or "BCC");

    // Null if there is no value to set.
    private string? Value(string name, JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.String => Text(name, Decoded(value)),
        JsonValueKind.Number => Number(name, value.GetRawText()),
        JsonValueKind.True => "true",
        JsonValueKind.False => "false",
        JsonValueKind.Object or JsonValueKind.Array => Nested(name, value.GetRawText()),
        _ => null,
    };

    private string? Value(string name, object? value) => value switch
    {
        string text => Text(name, text),
        byte[] bytes => DeadLetterReading.TextOf(bytes) is { } text ? Text(name, text) : null,
        bool yes => yes ? "true" : "false",
        sbyte or byte or short or ushort or int or uint or long or float or double => Number(name, Convert.ToString(value, CultureInfo.InvariantCulture)!),
        _ => null,
    };

    private string Text(string name, string value)
    {
        var hides = !_reveal && Masking.Header(name, value) != value;
        if (hides)
            _masked.Add(name);
        return CSharpText.Literal(hides ? Disguise.Text(value) : value);
    }

    private string Number(string name, string value)
    {
        var hides = !_reveal && Masking.Header(name, value) != value && Disguise.Number(value) != value;
        if (hides)
            _masked.Add(name);
        var shown = hides ? Disguise.Number(value) : value;
        return long.TryParse(shown, CultureInfo.InvariantCulture, out var whole) ? string.Create(CultureInfo.InvariantCulture, $"{whole}L")
            : double.TryParse(shown, CultureInfo.InvariantCulture, out var number) && double.IsFinite(number) ? string.Create(CultureInfo.InvariantCulture, $"{number:R}d")
            : CSharpText.Literal(shown);
    }

    private string Nested(string name, string json)
    {
        var (shown, masked) = TestJson.Print(Encoding.UTF8.GetBytes(json), !_reveal, MessageArea.Data, name, name);
        _masked.AddRange(masked);
        return $"JsonSerializer.Deserialize<JsonElement>({CSharpText.Literal(shown)})";
    }

    private static string Decoded(JsonElement value)
    {
        try
        {
            return value.GetString()!;
        }
        catch (InvalidOperationException) // half a surrogate pair
        {
            return value.GetRawText().Trim('"');
        }
    }
}
