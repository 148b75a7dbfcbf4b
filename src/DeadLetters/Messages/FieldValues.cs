using System.Globalization;
using System.Text;
using System.Text.Json;
using RabbitMQ.Client;

namespace WorkinIt.DeadLetters;

/// <summary>
/// Converts AMQP field values to JSON and back, with their types. A string of valid UTF-8, a boolean and void become the JSON equivalent. Any other
/// value becomes an object of <c>type</c> and <c>value</c>, because JSON has only one number type and no bytes. The round trip is byte for byte.
/// </summary>
internal static class FieldValues
{
    private static readonly UTF8Encoding _strict = new(false, throwOnInvalidBytes: true);

    public static void WriteTable(Utf8JsonWriter writer, IEnumerable<KeyValuePair<string, object?>> table)
    {
        writer.WriteStartObject();
        foreach (var (name, value) in table)
        {
            writer.WritePropertyName(name);
            Write(writer, value);
        }
        writer.WriteEndObject();
    }

    public static void Write(Utf8JsonWriter writer, object? value)
    {
        switch (value)
        {
            case null:
                writer.WriteNullValue();
                return;
            case bool yes:
                writer.WriteBooleanValue(yes);
                return;
            case string text:
                writer.WriteStringValue(text);
                return;
            case byte[] bytes when TextOf(bytes) is { } text:
                writer.WriteStringValue(text);
                return;
            default:
                break;
        }
        writer.WriteStartObject();
        writer.WriteString("type", TypeOf(value));
        writer.WritePropertyName("value");
        WriteTyped(writer, value);
        writer.WriteEndObject();
    }

    /// <summary>Reads a table.</summary>
    /// <exception cref="FormatException">The JSON is not a table; the message says what is wrong.</exception>
    public static Dictionary<string, object?> ReadTable(JsonElement table)
    {
        if (table.ValueKind != JsonValueKind.Object)
            throw new FormatException("a table must be a JSON object");
        var read = new Dictionary<string, object?>();
        foreach (var field in table.EnumerateObject())
            read[field.Name] = Read(field.Value);
        return read;
    }

    private static object? Read(JsonElement field)
    {
        switch (field.ValueKind)
        {
            case JsonValueKind.Null:
                return null;
            case JsonValueKind.True or JsonValueKind.False:
                return field.GetBoolean();
            case JsonValueKind.String:
                return Encoding.UTF8.GetBytes(field.GetString()!); // as RabbitMQ.Client reads it
            case JsonValueKind.Object when field.TryGetProperty("type", out var type) && type.ValueKind == JsonValueKind.String && field.TryGetProperty("value", out var value):
                try
                {
                    return ReadTyped(type.GetString()!, value);
                }
                catch (Exception e) when (e is InvalidOperationException or OverflowException || (e is FormatException && type.GetString() is not ("array" or "table")))
                {
                    throw new FormatException($"a value is not of the type {type.GetString()}", e);
                }
            default:
                throw new FormatException("a header must be a string, true, false, null, or an object of type and value");
        }
    }

    private static object ReadTyped(string type, JsonElement value) => type switch
    {
        "bytes" => value.GetBytesFromBase64(),
        "binary" => new BinaryTableValue(value.GetBytesFromBase64()),
        "int8" => value.GetSByte(),
        "uint8" => value.GetByte(),
        "int16" => value.GetInt16(),
        "uint16" => value.GetUInt16(),
        "int32" => value.GetInt32(),
        "uint32" => value.GetUInt32(),
        "int64" => value.GetInt64(),
        "float" => value.GetSingle(), // RabbitMQ accepts neither infinity nor NaN
        "double" => value.GetDouble(),
        "decimal" => Decimal(value.GetString()!),
        "timestamp" => new AmqpTimestamp(value.GetInt64()),
        "array" => value.EnumerateArray().Select(Read).ToList(),
        "table" => ReadTable(value),
        _ => throw new FormatException($"unknown type {type}"),
    };

    private static string TypeOf(object value) => value switch
    {
        byte[] => "bytes",
        BinaryTableValue => "binary",
        sbyte => "int8",
        byte => "uint8",
        short => "int16",
        ushort => "uint16",
        int => "int32",
        uint => "uint32",
        long => "int64",
        float => "float",
        double => "double",
        decimal => "decimal",
        AmqpTimestamp => "timestamp",
        IDictionary<string, object?> => "table",
        IEnumerable<object?> => "array",
        _ => throw new NotSupportedException($"AMQP has no field type for {value.GetType()}"),
    };

    private static void WriteTyped(Utf8JsonWriter writer, object value)
    {
        switch (value)
        {
            case byte[] bytes:
                writer.WriteBase64StringValue(bytes);
                break;
            case BinaryTableValue binary:
                writer.WriteBase64StringValue(binary.Bytes);
                break;
            case float number:
                writer.WriteNumberValue(number);
                break;
            case double number:
                writer.WriteNumberValue(number);
                break;
            case decimal number: // with its scale, and the sign of a negative zero
                writer.WriteStringValue((decimal.IsNegative(number) ? "-" : "") + Math.Abs(number).ToString(CultureInfo.InvariantCulture));
                break;
            case AmqpTimestamp time:
                writer.WriteNumberValue(time.UnixTime);
                break;
            case IDictionary<string, object?> table:
                WriteTable(writer, table);
                break;
            case IEnumerable<object?> items:
                writer.WriteStartArray();
                foreach (var item in items)
                    Write(writer, item);
                writer.WriteEndArray();
                break;
            default:
                writer.WriteNumberValue(Convert.ToInt64(value, CultureInfo.InvariantCulture));
                break;
        }
    }

    private static decimal Decimal(string text)
    {
        var number = decimal.Parse(text.TrimStart('-'), NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture);
        return text.StartsWith('-') ? decimal.Negate(number) : number;
    }

    private static string? TextOf(byte[] bytes)
    {
        try
        {
            return _strict.GetString(bytes);
        }
        catch (DecoderFallbackException)
        {
            return null;
        }
    }
}
