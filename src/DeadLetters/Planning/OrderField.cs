namespace WorkinIt.DeadLetters;

/// <summary>
/// Where a message has the key of its order: a property of its JSON, as in <c>message.orderId</c>, or a header, as in <c>header:Tenant</c>. Property names are
/// compared without case, as in MassTransit; header names exactly.
/// </summary>
public sealed class OrderField
{
    private const string HeaderPrefix = "header:";
    private const string Forms = "use a property such as message.orderId, or a header such as header:Tenant";

    private readonly string _text;
    private readonly string? _header;
    private readonly string[] _path;

    private OrderField(string text, string? header, string[] path) => (_text, _header, _path) = (text, header, path);

    /// <summary>
    /// Parses a field. <c>message.</c> begins the path of a property within the message: of MassTransit's envelope its <c>message</c>, otherwise the complete body.
    /// Another path names a property of the envelope, such as <c>correlationId</c>.
    /// </summary>
    /// <param name="text">The field.</param>
    /// <exception cref="FormatException">It is not a field.</exception>
    public static OrderField Parse(string text)
    {
        text = text.Trim();
        if (text.StartsWith(HeaderPrefix, StringComparison.OrdinalIgnoreCase))
        {
            var header = text[HeaderPrefix.Length..].Trim();
            return header.Length > 0 ? new OrderField(HeaderPrefix + header, header, []) : throw new FormatException($"“{text}” names no header: {Forms}");
        }
        var path = text.Split('.');
        if (path.Any(name => name.Length == 0 || name.Any(char.IsControl)) || text.Contains(':', StringComparison.Ordinal) || path is ["message"])
            throw new FormatException($"“{text}” is not a field to order by: {Forms}");
        return new OrderField(text, null, path);
    }

    /// <summary>The field as a user types it.</summary>
    public override string ToString() => _text;

    /// <summary>The key of a message; null if it has none there, or something other than a text, a number, true or false. May be personal data.</summary>
    /// <param name="letter">The message.</param>
    internal string? ValueIn(DeadLetter letter) => (_header is { } header ? letter.Header(header) : Envelope.ValueAt(letter.Body, letter.ContentType, _path)) is { Length: > 0 } value ? value : null;

    /// <summary>A key as it may be shown: masked, unless the field's name and the key's shape are known to be harmless.</summary>
    /// <param name="value">The key.</param>
    internal string Masked(string value) => _header is { } header ? Masking.Header(header, value) : Masking.Named(_path[^1], value);
}
