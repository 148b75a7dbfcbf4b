using System.Text;
using System.Text.Json;
using WorkinIt.DeadLetters;
using WorkinIt.Deliveries;

namespace WorkinIt.Cli.Erasing;

/// <summary>Whom an erasure is about: all that was to go to their mailbox, however the address is written in it.</summary>
internal sealed class Person
{
    private const string Field = "emailAddress"; // of SendGifEmail, and of it within a fault

    private readonly string _mailbox;

    /// <exception cref="WrongUsageException">It is no address.</exception>
    public Person(string address)
    {
        Address = address.Trim();
        if (!EmailAddresses.IsOne(Address))
            throw new WrongUsageException("--recipient must be one e-mail address, like name@example.com; or - to read it from standard input");
        _mailbox = Recipient.MailboxOf(Address);
    }

    public string Address { get; }

    public bool Is(string? address) => address is not null && Recipient.MailboxOf(address) == _mailbox;

    /// <summary>Whether a message was to be mailed to them.</summary>
    public bool IsRecipientOf(DeadLetter letter) => IsRecipientOf(letter.BodyText ?? Encoding.UTF8.GetString(letter.Body.Span));

    /// <summary>
    /// Whether a text is a message to be mailed to them. What others wrote about them in a thought does not count, where it can be told apart: in
    /// JSON with the address in its place.
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
            // A text, or what once was JSON; or it holds half a character, an emoji that was cut in the middle for instance.
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
