using System.Text;
using System.Text.Json;
using RabbitMQ.Client;

namespace WorkinIt.DeadLetters;

/// <summary>A dead letter as the pages, the command and the API show it: masked until it is revealed, and cut to a readable length.</summary>
/// <param name="letter">The dead letter.</param>
/// <param name="revealed">Whether to show it unmasked.</param>
public sealed class LetterView(DeadLetter letter, bool revealed)
{
    /// <summary>The maximum number of characters shown of a message or a body. An export or a download contains all of it.</summary>
    internal const int MostShown = 200_000;

    /// <summary>Whether it is shown unmasked.</summary>
    public bool IsRevealed => revealed;

    /// <summary>Its MessageId; null if it has none.</summary>
    public string? MessageId => letter.MessageId is { } id ? Shown("messageId", id) : null;

    /// <summary>Why it failed.</summary>
    public string Reason => revealed ? letter.Reason : Masking.Text(letter.Reason);

    /// <summary>The stack trace; null if there is none.</summary>
    public string? StackTrace => letter.StackTrace is { } stack ? revealed ? stack : Masking.Text(stack) : null;

    /// <summary>The message as indented JSON; null if there is no JSON message. Of a message from an AMQP 1.0 client whose body is not data: its decoded sections.</summary>
    public ShownText? Message => Print(MostShown);

    /// <summary>The body as text, indented if it is JSON; null if it is not text.</summary>
    public ShownText? Body =>
        letter.HasJson
            ? JsonPrinter.Print(letter.Body.Span, Options(MostShown) with { Area = Envelope.IsEnvelope(letter.ContentType) ? MessageArea.Envelope : MessageAreas.OfMessage(letter.MessageTypes) })
        : DeadLetterReading.TextOf(letter.Body.Span) is { } text ? revealed ? ShownText.Of(text, MostShown) : new ShownText(Masking.Value(text), false)
        : null;

    /// <summary>The headers as text.</summary>
    public IEnumerable<KeyValuePair<string, string>> Headers =>
        letter.HeaderTexts.Select(header => KeyValuePair.Create(header.Key, revealed ? header.Value : Masked(header)));

    /// <summary>The AMQP properties that are set, except the MessageId and the content type.</summary>
    public IEnumerable<KeyValuePair<string, string>> Properties
    {
        get
        {
            var properties = letter.Properties;
            if (properties.IsContentEncodingPresent())
                yield return new("content_encoding", Shown("format", properties.ContentEncoding!));
            if (properties.IsCorrelationIdPresent())
                yield return new("correlation_id", Shown("correlation_id", properties.CorrelationId!));
            if (properties.IsDeliveryModePresent())
                yield return new("delivery_mode", properties.DeliveryMode.ToString());
            if (properties.IsPriorityPresent())
                yield return new("priority", $"{properties.Priority}");
            if (properties.IsExpirationPresent())
                yield return new("expiration", Shown("timeout", properties.Expiration!));
            if (properties.IsReplyToPresent())
                yield return new("reply_to", Shown("reply_to", properties.ReplyTo!));
            if (properties.IsTimestampPresent())
                yield return new("timestamp", letter.Timestamp!);
            if (properties.IsTypePresent())
                yield return new("type", Shown("type", properties.Type!));
            if (properties.IsUserIdPresent())
                yield return new("user_id", Shown("user", properties.UserId!));
            if (properties.IsAppIdPresent())
                yield return new("app_id", Shown("app_id", properties.AppId!));
        }
    }

    /// <summary>The headers and properties, each with who added it, what it means, and what a replay does with it.</summary>
    public IReadOnlyList<LetterPart> Parts => LetterExplanation.Of(letter, this);

    /// <summary>Writes the dead letter as one JSON object on one line: if revealed, as <c>export</c> writes it; if masked, without the body.</summary>
    /// <param name="writer">The writer.</param>
    public void Write(Utf8JsonWriter writer)
    {
        ArgumentNullException.ThrowIfNull(writer);
        if (revealed)
        {
            letter.Write(writer);
            return;
        }
        writer.WriteStartObject();
        DeadLetterJson.WriteFacts(letter, writer, MessageId, Reason);
        WriteTexts(writer, "properties", Properties);
        WriteTexts(writer, "headers", Headers);
        writer.WritePropertyName("message");
        if (Print(int.MaxValue) is { } message)
            writer.WriteRawValue(CompactJson.Of(Encoding.UTF8.GetBytes(message.Text)), skipInputValidation: true);
        else
            writer.WriteNullValue();
        writer.WriteEndObject();
    }

    private static void WriteTexts(Utf8JsonWriter writer, string name, IEnumerable<KeyValuePair<string, string>> texts)
    {
        writer.WriteStartObject(name);
        foreach (var (key, value) in texts)
            writer.WriteString(key, value);
        writer.WriteEndObject();
    }

    private ShownText? Print(int most) =>
        letter.ShownMessage is { } json ? JsonPrinter.Print(json.Span, Options(most) with { Area = MessageAreas.OfMessage(letter.MessageTypes) }) : null;

    private PrintOptions Options(int most) => new() { Most = most, Masked = !revealed, Message = MessageAreas.OfMessage(letter.MessageTypes) };

    private string Masked(KeyValuePair<string, string> header) =>
        header.Key.StartsWith(Amqp10Body.HeaderPrefix, StringComparison.Ordinal) && JsonPrinter.Print(Encoding.UTF8.GetBytes(header.Value), new PrintOptions { Masked = true }) is { } sections
            ? Encoding.UTF8.GetString(CompactJson.Of(Encoding.UTF8.GetBytes(sections.Text)))
            : letter.Properties.Headers![header.Key] is BinaryTableValue ? Masking.Value(header.Value) // its name tells nothing: base64 looks like an id
            : Masking.Header(header.Key, header.Value);

    private string Shown(string name, string value) => revealed ? value : Masking.Named(name, value);
}
