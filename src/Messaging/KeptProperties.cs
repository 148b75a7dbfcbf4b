using RabbitMQ.Client;

namespace WorkinIt.Messaging;

/// <summary>Makes the copies in our own queues persistent and without expiration, whatever properties the sender set.</summary>
internal static class KeptProperties
{
    public const string Prefix = "Original-";

    public const string Expiration = Prefix + "Expiration";
    private const string DeliveryMode = Prefix + "Delivery-Mode";

    /// <summary>Changes a copy, and records the sender's properties in headers.</summary>
    /// <param name="original">The message as received.</param>
    /// <param name="copy">Its copy.</param>
    public static void Apply(IReadOnlyBasicProperties original, BasicProperties copy)
    {
        foreach (var (header, value) in Leftovers(original))
            (copy.Headers ??= new Dictionary<string, object?>())[header] = value;
        copy.ClearExpiration();
        copy.Persistent = true;
    }

    /// <summary>Returns the headers that record the sender's properties.</summary>
    /// <param name="original">The message as received.</param>
    public static IEnumerable<KeyValuePair<string, object>> Leftovers(IReadOnlyBasicProperties original)
    {
        if (original.IsExpirationPresent() && original.Expiration is { } expiration)
            yield return new(Expiration, expiration);
        if (original.IsDeliveryModePresent() && !original.Persistent)
            yield return new(DeliveryMode, (int)original.DeliveryMode);
    }
}
