using System.Globalization;
using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Primitives;

namespace WorkinIt.DeadLetters.Dashboard.Api;

/// <summary>A field or a parameter is missing or invalid.</summary>
/// <param name="field">Its name.</param>
/// <param name="message">What is wrong with it.</param>
/// <param name="status">The HTTP status.</param>
internal sealed class ApiInputException(string field, string message, int status = StatusCodes.Status400BadRequest) : FormatException(message)
{
    public string Field { get; } = field;

    public int Status { get; } = status;
}

/// <summary>The fields of a JSON body.</summary>
internal sealed class ApiBody
{
    private static readonly JsonDocumentOptions _parsing = new() { MaxDepth = 300, AllowDuplicateProperties = false };

    private readonly Dictionary<string, JsonElement> _fields;

    private ApiBody(Dictionary<string, JsonElement> fields) => _fields = fields;

    public static ApiBody Empty { get; } = new([]);

    /// <summary>Reads a body.</summary>
    /// <param name="json">The body; empty: without fields.</param>
    /// <param name="fields">The fields that it may have.</param>
    /// <exception cref="ApiInputException">It is not a JSON object, or a field is unknown, missing or of another type.</exception>
    public static ApiBody Read(ReadOnlyMemory<byte> json, IReadOnlyList<ApiField> fields)
    {
        var read = new Dictionary<string, JsonElement>(StringComparer.Ordinal);
        if (!json.IsEmpty)
        {
            try
            {
                using var document = JsonDocument.Parse(json, _parsing);
                if (document.RootElement.ValueKind != JsonValueKind.Object)
                    throw new ApiInputException("", "The body must be a JSON object.");
                foreach (var property in document.RootElement.EnumerateObject().Where(property => property.Value.ValueKind != JsonValueKind.Null))
                    read[property.Name] = property.Value.Clone();
            }
            catch (InvalidOperationException)
            {
                throw new ApiInputException("", "The name of a field is not valid Unicode.");
            }
            catch (JsonException e)
            {
                throw new ApiInputException("", string.Create(CultureInfo.InvariantCulture, $"The body is not valid JSON: line {(e.LineNumber ?? 0) + 1}, byte {(e.BytePositionInLine ?? 0) + 1}."));
            }
        }
        foreach (var (name, value) in read)
            Check(fields.FirstOrDefault(field => field.Name == name) ?? throw Unknown(name, fields), value);
        return fields.FirstOrDefault(field => field.IsRequired && !read.ContainsKey(field.Name)) is { } missing
            ? throw new ApiInputException(missing.Name, $"The field {missing.Name} is missing.")
            : new ApiBody(read);
    }

    public bool Has(string name) => _fields.ContainsKey(name);

    /// <summary>A text; null if it is missing or empty.</summary>
    public string? Text(string name) => _fields.TryGetValue(name, out var value) && value.GetString() is { Length: > 0 } text ? text : null;

    /// <exception cref="ApiInputException">It is missing or empty.</exception>
    public string Required(string name) => Text(name) ?? throw new ApiInputException(name, $"The field {name} is missing.");

    public bool IsTrue(string name) => _fields.TryGetValue(name, out var value) && value.GetBoolean();

    public IReadOnlyList<string> Texts(string name) => _fields.TryGetValue(name, out var value) ? [.. value.EnumerateArray().Select(item => item.GetString()!)] : [];

    /// <summary>A field as it was written; null if it is missing.</summary>
    public string? Raw(string name) => _fields.TryGetValue(name, out var value) ? value.GetRawText() : null;

    /// <summary>The fields as a form of the pages has them.</summary>
    /// <param name="names">The names that are others in the forms.</param>
    public FormCollection ToForm(IReadOnlyDictionary<string, string>? names = null) => new(_fields
        .Where(field => field.Value.ValueKind != JsonValueKind.Object)
        .ToDictionary(field => names?.GetValueOrDefault(field.Key) ?? field.Key, field => Form(field.Value)));

    private static StringValues Form(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Array => new StringValues([.. value.EnumerateArray().Where(item => item.ValueKind == JsonValueKind.String).Select(item => item.GetString())]),
        JsonValueKind.String => value.GetString(),
        JsonValueKind.Number => value.GetDecimal().ToString(CultureInfo.InvariantCulture),
        _ => value.ValueKind == JsonValueKind.True ? "true" : "",
    };

    private static void Check(ApiField field, JsonElement value)
    {
        var isRight = field.Type switch
        {
            "string" => value.ValueKind == JsonValueKind.String,
            "boolean" => value.ValueKind is JsonValueKind.True or JsonValueKind.False,
            "number" or "integer" => value.ValueKind == JsonValueKind.Number && value.TryGetDecimal(out _),
            "array" => value.ValueKind == JsonValueKind.Array && value.EnumerateArray().All(item => item.ValueKind == JsonValueKind.String),
            _ => true,
        };
        if (!isRight)
            throw new ApiInputException(field.Name, $"{field.Name} must be {field.Type switch { "array" => "an array of strings", "integer" => "a whole number", var type => $"a {type}" }}.");
        if (!Strings(value).All(IsText))
            throw new ApiInputException(field.Name, $"{field.Name} is not valid Unicode, or contains the character U+0000, which a database does not take.");
        if (field.Values.Count > 0 && !field.Values.Contains(value.GetString(), StringComparer.Ordinal))
            throw new ApiInputException(field.Name, $"{field.Name} must be one of {string.Join(", ", field.Values)}.");
    }

    private static IEnumerable<JsonElement> Strings(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.String => [value],
        JsonValueKind.Array => value.EnumerateArray().Where(item => item.ValueKind == JsonValueKind.String),
        _ => [],
    };

    private static bool IsText(JsonElement value)
    {
        try
        {
            return !value.GetString()!.Contains('\0', StringComparison.Ordinal);
        }
        catch (InvalidOperationException) // half of a surrogate pair
        {
            return false;
        }
    }

    private static ApiInputException Unknown(string name, IReadOnlyList<ApiField> fields) =>
        new(name, fields.Count == 0 ? $"“{name}” is not a field: the body must be empty." : $"“{name}” is not a field. The fields are {string.Join(", ", fields.Select(field => field.Name))}.");
}
