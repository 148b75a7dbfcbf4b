using System.Globalization;
using RabbitMQ.Client;

namespace WorkinIt.DeadLetters;

/// <summary>The properties of a message's copy, where it is moved to: those of the message, but for what its way here left on it.</summary>
internal static class MovedProperties
{
    /// <summary>In the queue of the discarded: with what it needs to be restored, and a time to live.</summary>
    /// <param name="letter">The message.</param>
    /// <param name="entry">The operation.</param>
    /// <param name="life">How long it is kept.</param>
    public static BasicProperties Discarded(DeadLetter letter, AuditEntry entry, TimeSpan life)
    {
        var properties = Of(letter, header => !Headers.IsCount(header));
        var headers = properties.Headers!;
        headers[Headers.DiscardedId] = entry.Id;
        headers[Headers.DiscardedBy] = Headers.Bounded(entry.By);
        headers[Headers.DiscardedAt] = entry.At.ToString("O", CultureInfo.InvariantCulture);
        headers[Headers.DiscardedFrom] = letter.Queue;
        properties.Expiration = ((long)life.TotalMilliseconds).ToString(CultureInfo.InvariantCulture);
        return properties;
    }

    /// <summary>Back in the queue that it was discarded from.</summary>
    /// <param name="letter">The message.</param>
    public static BasicProperties Restored(DeadLetter letter)
    {
        var properties = Of(letter, header => !Headers.IsCount(header) && !header.StartsWith(Headers.DiscardedPrefix, StringComparison.Ordinal));
        // Its time here was that of a discarded one, and not its sender's.
        if ((letter.Header(Headers.DiscardedExpiration) ?? letter.Header(Headers.OriginalExpiration)) is { } expiration)
            properties.Headers![Headers.OriginalExpiration] = expiration;
        else
            properties.Headers!.Remove(Headers.OriginalExpiration);
        return properties;
    }

    /// <summary>At the end of the queue that it is in, its count of returns at nought; what is discarded keeps its time.</summary>
    /// <param name="letter">The message.</param>
    public static BasicProperties Renewed(DeadLetter letter)
    {
        var properties = Of(letter, header => !Headers.IsCount(header));
        if (letter.DiscardedFrom is null)
            return properties;
        properties.Headers!.Remove(Headers.OriginalExpiration);
        if (letter.Header(Headers.OriginalExpiration) is { } expiration)
            properties.Headers[Headers.OriginalExpiration] = expiration;
        properties.Expiration = letter.Properties.Expiration;
        return properties;
    }

    /// <summary>With some of its headers; persistent, without an expiration; its user-id becomes one of them, and those that would send copies to other queues get another name.</summary>
    /// <param name="letter">The message.</param>
    /// <param name="keep">Which ones.</param>
    public static BasicProperties Of(DeadLetter letter, Func<string, bool> keep)
    {
        var properties = new BasicProperties(letter.Properties)
        {
            Headers = (letter.Properties.Headers ?? new Dictionary<string, object?>()).Where(header => keep(header.Key)).ToDictionary(),
        };
        foreach (var copies in new[] { "CC", "BCC" })
        {
            if (properties.Headers.Remove(copies, out var queues))
                properties.Headers["Original-" + copies] = queues;
        }
        // The broker takes a user-id from that user's connection only.
        if (properties.IsUserIdPresent())
        {
            properties.Headers["Original-User-Id"] = properties.UserId;
            properties.ClearUserId();
        }
        // What is left of its first time to live must not end the second, and a restart of the broker must not either.
        if (properties.IsExpirationPresent())
        {
            properties.Headers[Headers.OriginalExpiration] = properties.Expiration;
            properties.ClearExpiration();
        }
        if (properties.IsDeliveryModePresent() && properties.DeliveryMode != DeliveryModes.Persistent)
            properties.Headers[Headers.OriginalDeliveryMode] = (int)properties.DeliveryMode;
        properties.DeliveryMode = DeliveryModes.Persistent;
        return properties;
    }
}
