using System.Text;

namespace WorkinIt.DeadLetters;

/// <summary>The body of a dead letter, as far as it is readable.</summary>
/// <param name="Message">The message as indented JSON; null if the body is not JSON.</param>
/// <param name="Text">The complete body as text, indented if it is JSON; null if it is not text.</param>
internal sealed record DeadLetterReading(string? Message, string? Text)
{
    private static readonly UTF8Encoding _strict = new(false, throwOnInvalidBytes: true);

    public static DeadLetterReading Of(DeadLetter letter)
    {
        if (Envelope.IsReadable(letter.ContentType) && !Envelope.IsJson(letter.ContentType))
            return new DeadLetterReading(null, null);
        using var json = Envelope.TryParse(letter.Body);
        if (json is null)
            return new DeadLetterReading(null, TextOf(letter.Body.Span));
        var text = Envelope.Pretty(json.RootElement);
        return new DeadLetterReading(
            !Envelope.IsEnvelope(letter.ContentType) ? text : Envelope.Property(json.RootElement, "message") is { } message ? Envelope.Pretty(message) : null,
            text);
    }

    /// <summary>Whether the body is JSON. Validates it only, without building a document.</summary>
    public static bool IsJson(DeadLetter letter) =>
        (!Envelope.IsReadable(letter.ContentType) || Envelope.IsJson(letter.ContentType)) && Envelope.IsValid(letter.Body.Span);

    /// <summary>The message types, the most derived first.</summary>
    public static IReadOnlyList<string> TypesOf(DeadLetter letter)
    {
        if (Envelope.IsEnvelope(letter.ContentType) && Envelope.MessageTypes(letter.Body.Span) is { Count: > 0 } urns)
            return [.. urns.Select(Named)];
        return letter.Header("MT-Fault-MessageType") is { } type ? [Named(type)] : [];

        static string Named(string urn) => urn.StartsWith("urn:message:", StringComparison.OrdinalIgnoreCase) ? urn[12..] : urn;
    }

    /// <summary>Why no consumer can read the body; null if one can, or if the format is one that this library can't check.</summary>
    public static string? ProblemOf(DeadLetter letter)
    {
        if (letter.Consumer is not null)
            return null; // it reached its consumer, so that consumer can read it
        if (letter.Amqp10 is { } sections && letter.Kind != DeadLetterKind.Fault)
            return sections.Problem is { } problem ? $"as AMQP 1.0: {problem}" : null; // for an AMQP 1.0 consumer; MassTransit is none, and has not failed with it
        if (!Envelope.IsReadable(letter.ContentType))
            return $"no MassTransit content type ({letter.ContentType ?? "none"})";
        if (!Envelope.IsJson(letter.ContentType))
            return null; // XML, BSON or encrypted: its consumer can read it, but this library can't
        if (!Envelope.IsValid(letter.Body.Span))
            return "its body is not valid JSON";
        return Envelope.IsEnvelope(letter.ContentType) && !Envelope.HasMessage(letter.Body.Span) ? "its envelope has no message" : null;
    }

    public static string? TextOf(ReadOnlySpan<byte> body)
    {
        try
        {
            var text = _strict.GetString(body);
            return text.Any(c => char.IsControl(c) && c is not ('\r' or '\n' or '\t')) ? null : text;
        }
        catch (DecoderFallbackException)
        {
            return null;
        }
    }
}
