using System.Globalization;
using System.Reflection;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;

namespace WorkinIt.DeadLetters.Dashboard.Api;

/// <summary>
/// The schemas of the API document: one for each type and each body, by name, so that a generated client has one class for each. Written for what
/// generators read: a number is a number and not also text, and all fields are listed that an answer always has.
/// </summary>
internal sealed class ApiSchemas
{
    private readonly JsonObject _all = [];

    /// <summary>All schemas that were referred to, sorted by name.</summary>
    public JsonObject All => new(_all.OrderBy(schema => schema.Key, StringComparer.Ordinal).Select(schema => KeyValuePair.Create(schema.Key, schema.Value?.DeepClone())));

    /// <summary>A reference to the schema of what the API writes.</summary>
    /// <param name="type">A record or an enumeration.</param>
    public JsonObject Reference(Type type)
    {
        if (!_all.ContainsKey(type.Name))
        {
            _all[type.Name] = null; // a type may contain itself
            _all[type.Name] = type.IsEnum ? Enumeration(type) : Record(type);
        }
        return Reference(type.Name);
    }

    /// <summary>A reference to the schema of a body.</summary>
    /// <param name="route">The route of the body.</param>
    public JsonObject Body(ApiRoute route)
    {
        var name = string.Create(CultureInfo.InvariantCulture, $"{char.ToUpperInvariant(route.Name[0])}{route.Name[1..]}Request");
        _all[name] = new JsonObject
        {
            ["type"] = "object",
            ["additionalProperties"] = false,
            ["required"] = new JsonArray([.. route.Body.Where(field => field.IsRequired).Select(field => JsonValue.Create(field.Name))]),
            ["properties"] = new JsonObject(route.Body.Select(field => KeyValuePair.Create<string, JsonNode?>(field.Name, Described(field)))),
        };
        return Reference(name);
    }

    /// <summary>The schema of a parameter or of a field.</summary>
    public static JsonObject Of(ApiField field)
    {
        var schema = field.Type switch
        {
            "array" => Array(Simple("string")),
            ApiField.Any => [],
            var type => Simple(type),
        };
        if (field.Values.Count > 0)
            schema["enum"] = new JsonArray([.. field.Values.Select(value => JsonValue.Create(value))]);
        return schema;
    }

    private static JsonObject Described(ApiField field)
    {
        var schema = Of(field);
        schema["description"] = field.Description;
        return schema;
    }

    private JsonObject Record(Type type)
    {
        var properties = ApiAnswer.Json.GetTypeInfo(type).Properties;
        return new JsonObject
        {
            ["type"] = "object",
            ["required"] = new JsonArray([.. properties.Where(IsAlwaysWritten).Select(property => JsonValue.Create(property.Name))]),
            ["properties"] = new JsonObject(properties.Select(property => KeyValuePair.Create<string, JsonNode?>(property.Name, Of(property)))),
        };
    }

    private static bool IsAlwaysWritten(JsonPropertyInfo property) => property.AttributeProvider?.IsDefined(typeof(JsonIgnoreAttribute), inherit: false) != true;

    private JsonObject Of(JsonPropertyInfo property)
    {
        var schema = Of(Nullable.GetUnderlyingType(property.PropertyType) ?? property.PropertyType);
        if (!property.IsGetNullable || schema.Count == 0)
            return schema;
        if (schema["type"] is not { } type)
            return new JsonObject { ["oneOf"] = new JsonArray(Simple("null"), schema) };
        schema["type"] = new JsonArray(type.DeepClone(), "null");
        return schema;
    }

    private JsonObject Of(Type type)
    {
        if (type == typeof(string))
            return Simple("string");
        if (type == typeof(bool))
            return Simple("boolean");
        if (type == typeof(long) || type == typeof(int))
            return Simple("integer", type == typeof(long) ? "int64" : "int32");
        if (type == typeof(double))
            return Simple("number", "double");
        if (type == typeof(DateTimeOffset))
            return Simple("string", "date-time");
        if (type == typeof(JsonElement))
            return []; // any JSON
        return type.IsGenericType && type.GetGenericTypeDefinition() == typeof(IReadOnlyList<>) ? Array(Of(type.GenericTypeArguments[0])) : Reference(type);
    }

    private static JsonObject Enumeration(Type type)
    {
        var schema = Simple("string");
        schema["enum"] = new JsonArray([.. Enum.GetValuesAsUnderlyingType(type).Cast<object>().Select(value => JsonSerializer.SerializeToNode(Enum.ToObject(type, value), type, ApiAnswer.Json))]);
        return schema;
    }

    private static JsonObject Array(JsonObject items) => new() { ["type"] = "array", ["items"] = items };

    private static JsonObject Simple(string type, string? format = null)
    {
        var schema = new JsonObject { ["type"] = type };
        if (format is not null)
            schema["format"] = format;
        return schema;
    }

    private static JsonObject Reference(string schema) => new() { ["$ref"] = $"#/components/schemas/{schema}" };
}
