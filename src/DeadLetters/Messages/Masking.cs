using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;

namespace WorkinIt.DeadLetters;

/// <summary>
/// Masks personal data and keeps the values that distinguish messages: ids, enumerations, booleans, times, and what MassTransit writes itself. A value
/// that is not known to be harmless is masked.
/// </summary>
public static partial class Masking
{
    /// <summary>Masks each value in JSON that is not known to be harmless; masks all of the text if it is not JSON.</summary>
    /// <param name="json">The JSON.</param>
    public static string Json(string json) => JsonPrinter.Print(Encoding.UTF8.GetBytes(json), new PrintOptions { Masked = true })?.Text ?? Value(json);

    /// <summary>Masks a complete body: the message and the headers of an envelope, or all of any other body.</summary>
    /// <param name="body">The body.</param>
    /// <param name="isEnvelope">Whether it is MassTransit's envelope.</param>
    internal static string Body(string body, bool isEnvelope) =>
        JsonPrinter.Print(Encoding.UTF8.GetBytes(body), new PrintOptions { Masked = true, Area = isEnvelope ? MessageArea.Envelope : MessageArea.Data })?.Text ?? Value(body);

    /// <summary>Masks a header's value: the personal data in headers that MassTransit, the broker or a replay write; all of any other value, unless its name is harmless.</summary>
    /// <param name="name">The header.</param>
    /// <param name="value">Its value.</param>
    internal static string Header(string name, string value) => IsKnown(name) ? Text(value) : Named(name, value);

    /// <summary>Masks the addresses, card numbers and telephone numbers in a text that an application wrote for operators, such as an exception's message.</summary>
    /// <param name="text">The text.</param>
    public static string Text(string text) =>
        Phones().Replace(
            Cards().Replace(
                EmailAddresses.Replace(text, address => Address(address)),
                match => Harmless.IsCard(match.Value) ? First(match.Value) + "…" : match.Value),
            match => First(match.Value) + "…");

    /// <summary>Masks one value with an unknown name.</summary>
    /// <param name="value">The value.</param>
    public static string Value(string value) => value.Length == 0 || Harmless.IsShape(value) ? value : Hidden(value);

    /// <summary>Masks one value, unless its name allows it to be shown.</summary>
    /// <param name="name">The name.</param>
    /// <param name="value">The value.</param>
    internal static string Named(string name, string value) => value.Length == 0 || Harmless.IsNamed(name, value) ? value : Hidden(value);

    /// <summary>Masks the search text of a filter for the audit log, because it may be personal data.</summary>
    /// <param name="filter">The filter as text.</param>
    public static string Filter(string filter) => SearchedText().Replace(filter, match => "text=" + Value(match.Groups[1].Value));

    private static string Hidden(string value) =>
        EmailAddresses.In(value).FirstOrDefault() is { Length: > 0 } address && address.Length == value.Length ? Address(address) : First(value) + "…";

    private static string Address(EmailAddress address) => $"{First(address.Local.TrimStart('\\', '"'))}…@{First(address.Domain)}…";

    private static string First(string text) => text.Length < 2 ? "" : StringInfo.GetNextTextElement(text);

    private static bool IsKnown(string header) =>
        header.StartsWith("MT-", StringComparison.Ordinal) || Headers.IsOfBroker(header)
        || Headers.IsOfOperation(header)
        || header is "Content-Type" or "publishId" or "traceparent" or "CC" or "BCC" or "Original-CC" or "Original-BCC";

    [GeneratedRegex(@"\btext=(.*?)(?= type=| cause=| since=| until=| id=|$)", RegexOptions.CultureInvariant | RegexOptions.Singleline)]
    private static partial Regex SearchedText();

    [GeneratedRegex(@"(?<![\w.-])\d(?:[ -]?\d){12,18}(?![\w-])", RegexOptions.CultureInvariant)]
    private static partial Regex Cards();

    [GeneratedRegex(@"(?<![\w+])\+\d(?:[ ()./-]{0,2}\d){7,14}(?!\d)", RegexOptions.CultureInvariant)]
    private static partial Regex Phones();
}
