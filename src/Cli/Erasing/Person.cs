using System.Text;
using System.Text.Json;
using WorkinIt.DeadLetters;
using WorkinIt.Deliveries;

namespace WorkinIt.Cli.Erasing;

/// <summary>The person whose data is erased. Matches every spelling of an address that belongs to their mailbox.</summary>
internal sealed class Person
{
    private const string Field = "emailAddress"; // in SendGifEmail, also where a fault contains it

    private readonly string _mailbox;

    /// <exception cref="WrongUsageException">It is not one e-mail address.</exception>
    public Person(string address)
    {
        Address = address.Trim();
        if (!EmailAddresses.IsOne(Address))
            throw new WrongUsageException("--recipient must be one e-mail address, such as name@example.com, or - to read it from standard input");
        _mailbox = Recipient.MailboxOf(Address);
    }

    public string Address { get; }

    public bool Is(string? address) => address is not null && Recipient.MailboxOf(address) == _mailbox;

    /// <summary>Whether a dead letter's message was addressed to them.</summary>
    public bool IsRecipientOf(DeadLetter letter) => IsRecipientOf(letter.BodyText ?? Encoding.UTF8.GetString(letter.Body.Span));

    /// <summary>
    /// Whether a text is a message addressed to them. Only the address fields count if the text is JSON that has any, so that what others wrote about
    /// the person in a thought does not match. In any other text, every address counts.
    /// </summary>
    public bool IsRecipientOf(string text)
    {
        try
        {
            using var json = JsonDocument.Parse(text, new JsonDocumentOptions { MaxDepth = 256 });
            var addresses = new List<string>();
            Collect(json.RootElement, addresses);
            if (addresses.Count > 0)
                return addresses.Exists(Is);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            // Plain text, damaged JSON, or half a surrogate pair (for example an emoji that was cut in the middle).
        }
        return EmailAddresses.In(text).Any(address => address.Readings.Any(Is));
    }

    private static void Collect(JsonElement element, List<string> addresses)
    {
        switch (element.ValueKind)
        {
            case JsonValueKind.Object:
                foreach (var member in element.EnumerateObject())
                {
                    if (member.Name.Equals(Field, StringComparison.OrdinalIgnoreCase) && member.Value.ValueKind == JsonValueKind.String)
                        addresses.Add(member.Value.GetString()!);
                    else
                        Collect(member.Value, addresses);
                }
                break;
            case JsonValueKind.Array:
                foreach (var item in element.EnumerateArray())
                    Collect(item, addresses);
                break;
            default:
                break;
        }
    }
}
