using RabbitMQ.Client;
using RabbitMQ.Client.Events;

namespace WorkinIt.DeadLetters.Catalogue.Feed;

/// <summary>A message in the feed queue: a copy of a dead letter, or a notice.</summary>
/// <param name="Tag">The delivery tag.</param>
/// <param name="Exchange">The exchange that the message was published to; empty for a notice.</param>
/// <param name="RoutingKey">The routing key.</param>
/// <param name="Redelivered">Whether the broker delivered it before.</param>
/// <param name="Properties">The properties; null if they can't be read.</param>
/// <param name="Body">The body.</param>
internal sealed record FeedCopy(ulong Tag, string Exchange, string RoutingKey, bool Redelivered, BasicProperties? Properties, byte[] Body)
{
    private const int HeaderBytes = 1024; // of a usual dead letter

    /// <summary>Copies a delivery, whose memory belongs to the client.</summary>
    public static FeedCopy Of(BasicDeliverEventArgs delivery)
    {
        BasicProperties? properties = null;
        try
        {
            properties = EmptyFields.Restore(delivery.BasicProperties);
        }
        catch (Exception e) when (e is ArgumentException or InvalidCastException or NullReferenceException or KeyNotFoundException)
        {
            // A strange message must not stop the feed. The count of its queue shows that it is missing.
        }
        return new FeedCopy(delivery.DeliveryTag, delivery.Exchange, delivery.RoutingKey, delivery.Redelivered, properties, delivery.Body.ToArray());
    }

    public long Bytes => Body.Length + HeaderBytes;

    public bool IsNotice => Exchange.Length == 0 && Properties is { Type: FeedNotice.MessageType };

    /// <summary>The routing key, and those in the CC header.</summary>
    public IReadOnlyList<string> Keys =>
        Properties?.Headers?.TryGetValue("CC", out var copies) == true && copies is IEnumerable<object?> keys
            ? [RoutingKey, .. keys.Select(Headers.Show)]
            : [RoutingKey];

    /// <summary>The dead letter in a queue that this is a copy of. Its number among identical letters is not known.</summary>
    public DeadLetter ToLetter(string queue) =>
        new(queue, position: 0, twin: 0, Properties!, Body, DeadLetterJson.HashOf(Properties!, Body));
}
