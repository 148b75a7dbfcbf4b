using RabbitMQ.Client;

namespace WorkinIt.Messaging;

/// <summary>What we put into a queue of ours neither expires nor vanishes at a restart of the broker, whatever its sender said.</summary>
internal static class KeptProperties
{
    public const string Prefix = "Original-";

    public const string Expiration = Prefix + "Expiration";
    private const string DeliveryMode = Prefix + "Delivery-Mode";

    /// <summary>Changes a copy; headers keep what the sender said.</summary>
    /// <param name="original">The message as it came.</param>
    /// <param name="copy">Its copy.</param>
    public static void Apply(IReadOnlyBasicProperties original, BasicProperties copy)
    {
        foreach (var (header, value) in Leftovers(original))
            (copy.Headers ??= new Dictionary<string, object?>())[header] = value;
        copy.ClearExpiration();
        copy.Persistent = true;
    }

    /// <summary>The headers that keep what the sender said.</summary>
    /// <param name="original">The message as it came.</param>
    public static IEnumerable<KeyValuePair<string, object>> Leftovers(IReadOnlyBasicProperties original)
    {
        if (original.IsExpirationPresent() && original.Expiration is { } expiration)
            yield return new(Expiration, expiration);
        if (original.IsDeliveryModePresent() && !original.Persistent)
            yield return new(DeliveryMode, (int)original.DeliveryMode);
    }
}
