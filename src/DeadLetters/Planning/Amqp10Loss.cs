using RabbitMQ.Client;

namespace WorkinIt.DeadLetters;

/// <summary>
/// What a message of an AMQP 1.0 client loses at a move. RabbitMQ 4 keeps messages in the form of AMQP 1.0 and gives a 0-9-1 consumer only what 0-9-1 has a place
/// for, so the copy lacks the rest. RabbitMQ 3 puts the rest into headers, and nothing is lost. See docs/discovery.md.
/// </summary>
internal static class Amqp10Loss
{
    private const string Lost = "to, subject, group sequence, reply-to group, expiry time and the milliseconds of its creation time are lost, if it has them; an id that is binary or a number changes its type";

    private static readonly string[] _ofRabbitMq = ["x-opt-rabbitmq-", "x-opt-shovel", "x-opt-mqtt-"];

    /// <summary>Why a message is not moved; null if it loses nothing, or if nothing shows that it comes from an AMQP 1.0 client.</summary>
    /// <param name="letter">The message.</param>
    /// <param name="broker">The version of its broker.</param>
    public static string? Refusal(DeadLetter letter, Version broker) => LosesSome(letter, broker)
        ? $"it comes from an AMQP 1.0 client, and a move by AMQP 0-9-1 is not complete: {Lost}. Move it with an AMQP 1.0 client or by dead-lettering of the broker; --accept-loss (API: acceptLoss) moves it all the same"
        : null;

    /// <summary>The warning about a message that is moved or copied nevertheless; null if there is none.</summary>
    /// <param name="letter">The message.</param>
    /// <param name="broker">The version of its broker.</param>
    public static string? Warning(DeadLetter letter, Version broker) =>
        LosesSome(letter, broker) ? $"comes from an AMQP 1.0 client: {Lost}"
        : KeepsParts(broker) && !WasMoved(letter) && (IsUrn(letter.MessageId) || (letter.Properties.IsCorrelationIdPresent() && IsUrn(letter.Properties.CorrelationId)))
            ? $"its id is of a form that RabbitMQ gives the uuid of an AMQP 1.0 client. If it comes from one: {Lost}"
        : null;

    private static bool LosesSome(DeadLetter letter, Version broker) => KeepsParts(broker) && !WasMoved(letter) && IsFromAmqp10(letter);

    private static bool KeepsParts(Version broker) => broker.Major >= 4;

    // MassTransit and the operations of this library publish by AMQP 0-9-1: what it has no place for is lost already.
    private static bool WasMoved(DeadLetter letter) => letter.Kind is DeadLetterKind.Fault or DeadLetterKind.Skipped
        || letter.Properties.Headers?.Keys.Any(header => header is Headers.ReplayId or Headers.DiscardedId or Headers.OriginalExpiration or Headers.OriginalDeliveryMode) == true;

    // A message with data and without annotations or binary ids looks like one of a 0-9-1 client.
    private static bool IsFromAmqp10(DeadLetter letter) => letter.Amqp10 is not null
        || letter.Properties.Headers?.Any(header => header is { Key: "x-message-id" or "x-correlation-id", Value: BinaryTableValue } || IsAnnotation(header.Key)) == true;

    // RabbitMQ itself writes some on messages of any protocol: when it has received them, and by which shovel or MQTT client.
    private static bool IsAnnotation(string header) => header.StartsWith("x-opt-", StringComparison.Ordinal)
        && header != "x-opt-reply-to-topic" && !_ofRabbitMq.Any(prefix => header.StartsWith(prefix, StringComparison.Ordinal));

    private static bool IsUrn(string? id) => id?.StartsWith("urn:uuid:", StringComparison.Ordinal) == true;
}
