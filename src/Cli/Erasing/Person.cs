using System.Text;
using System.Text.Json;
using WorkinIt.DeadLetters;
using WorkinIt.Deliveries;

namespace WorkinIt.Cli.Erasing;

/// <summary>The person whose data is erased. Matches each spelling of an address of their mailbox that masking recognizes.</summary>
internal sealed class Person
{
    private const string Field = "emailAddress"; // a property of SendGifEmail, also inside a fault

    private readonly string _mailbox;

    /// <exception cref="WrongUsageException">The text is not one e-mail address.</exception>
    public Person(string address)
    {
        address = address.Trim();
        if (!EmailAddresses.IsOne(address))
            throw new WrongUsageException("--recipient must be one e-mail address, such as name@example.com, or - to read it from standard input");
        Address = EmailAddresses.In(address).Single().Plain;
        _mailbox = Recipient.MailboxOf(Address);
    }

    /// <summary>Their address in the spelling of a mail: with a plain @, and with quotes only if it needs them.</summary>
    public string Address { get; }

    public bool Is(string? address) => address is not null && Recipient.MailboxOf(address) == _mailbox;

    /// <summary>
    /// Whether a dead letter's message was addressed to them. Without an address field in its body, every address in its body and headers counts,
    /// except the headers that name operators.
    /// </summary>
    public bool IsRecipientOf(DeadLetter letter)
    {
        var sections = letter.Amqp10;
        var body = sections?.Text ?? letter.BodyText ?? Encoding.UTF8.GetString(letter.Body.Span);
        return IsInFields(body) ?? (IsIn(body) || (sections is not null && IsInBytes(letter, sections))
            || letter.HeaderTexts.Any(header => !Headers.IsOfOperation(header.Key) && IsIn(header.Value)) || letter.HiddenHeaderTexts.Any(IsIn));
    }

    // Binary values are shown in base64. The bytes around a value may look like a part of an address, so each value is searched by itself, too.
    private bool IsInBytes(DeadLetter letter, Amqp10Body sections) => IsIn(Encoding.UTF8.GetString(letter.Body.Span)) || sections.BinaryTexts().Any(IsIn);

    /// <summary>
    /// Whether a text is a message addressed to them. Only the address fields count if the text is JSON that has any, so that what others wrote about
    /// the person in a thought does not match. In any other text, every address counts.
    /// </summary>
    public bool IsRecipientOf(string text) => IsInFields(text) ?? IsIn(text);

    // Null if the text is not JSON with address fields.
    private bool? IsInFields(string text)
    {
        var addresses = new List<string>();
        return TryCollect(text, addresses) && addresses.Count > 0 ? addresses.Exists(IsField) : null;
    }

    // If the field is one address and nothing else, its special characters belong to it: a'jane@example.com is somebody else.
    private bool IsField(string value) =>
        Is(value) || EmailAddresses.In(value).Any(address => (address.Length == value.Trim().Length ? address.Spellings : address.Readings).Any(Is));

    private bool IsIn(string text) => EmailAddresses.In(text).Any(address => address.Readings.Any(Is));

    private static bool TryCollect(string text, List<string> addresses)
    {
        try
        {
            using var json = JsonDocument.Parse(text, new JsonDocumentOptions { MaxDepth = 256 });
            Collect(json.RootElement, addresses);
            return true;
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            return false; // plain text, damaged JSON, or half a surrogate pair (for example an emoji that was cut in the middle)
        }
    }

    private static void Collect(JsonElement element, List<string> addresses)
    {
        switch (element.ValueKind)
        {
            case JsonValueKind.Object:
                foreach (var member in element.EnumerateObject())
                {
                    if (member.Name.Equals(Field, StringComparison.OrdinalIgnoreCase) && Amqp10Body.TextOf(member.Value) is { } address)
                        addresses.Add(address);
                    else
                        Collect(member.Value, addresses);
                }
                break;
            case JsonValueKind.Array:
                foreach (var item in element.EnumerateArray())
                    Collect(item, addresses);
                break;
            case JsonValueKind.String when element.GetString()!.AsSpan().TrimStart() is ['{' or '[', ..]:
                TryCollect(element.GetString()!, addresses); // a message as a text within another
                break;
            default:
                break;
        }
    }
}
