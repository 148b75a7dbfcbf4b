using System.Globalization;
using RabbitMQ.Client;

namespace WorkinIt.DeadLetters;

/// <summary>The properties of the copy of a moved message: those of the message, without what earlier deliveries left on it.</summary>
internal static class MovedProperties
{
    /// <summary>For a replay: without what describes the failed try, and with the stamp of the replay.</summary>
    /// <param name="letter">The message.</param>
    /// <param name="request">The replay.</param>
    /// <param name="replayId">The replay's id, and the message's number in it.</param>
    /// <param name="at">When the replay began.</param>
    public static BasicProperties Replayed(DeadLetter letter, ReplayRequest request, string replayId, DateTimeOffset at)
    {
        var properties = Of(letter, header => !Headers.IsOfFirstTry(header) && header != Headers.ReplaySendAgain && !(request.WithoutResponse && header == Headers.ResponseAddress));
        var headers = properties.Headers!;
        headers[Headers.ReplayId] = replayId;
        headers[Headers.ReplayBy] = Headers.Bounded(request.By);
        headers[Headers.ReplayAt] = at.ToString("O", CultureInfo.InvariantCulture);
        headers[Headers.ReplayCount] = (letter.LastReplay?.Count ?? 0) + 1;
        if (request.SendAgain)
            headers[Headers.ReplaySendAgain] = true;
        // There may be days between the two tries, so the new try gets its own trace, linked to the first one.
        if (headers.ContainsKey(Headers.ActivityId))
            headers.TryAdd(Headers.ActivityPropagation, "Link");
        headers[Headers.ReplayHistory] = TryHistory.After(letter, request.By, at);
        return properties;
    }

    /// <summary>For the queue of discarded messages: adds what a restore needs, and a time to live.</summary>
    /// <param name="letter">The message.</param>
    /// <param name="entry">The operation's audit entry.</param>
    /// <param name="life">How long the message is kept.</param>
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

    /// <summary>For the queue that the message was discarded from.</summary>
    /// <param name="letter">The message.</param>
    public static BasicProperties Restored(DeadLetter letter)
    {
        var properties = Of(letter, header => !Headers.IsCount(header) && !header.StartsWith(Headers.DiscardedPrefix, StringComparison.Ordinal));
        // The current expiration was set by the discard, not by the sender.
        if ((letter.Header(Headers.DiscardedExpiration) ?? letter.Header(Headers.OriginalExpiration)) is { } expiration)
            properties.Headers![Headers.OriginalExpiration] = expiration;
        else
            properties.Headers!.Remove(Headers.OriginalExpiration);
        return properties;
    }

    /// <summary>For the end of the same queue, with the count of returns reset. A discarded message keeps its expiration.</summary>
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

    /// <summary>
    /// The properties with some of the headers, persistent and without an expiration. The user-id becomes a header, and headers that would send copies to
    /// other queues get another name.
    /// </summary>
    /// <param name="letter">The message.</param>
    /// <param name="keep">Which headers to keep.</param>
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
        // The broker accepts a user-id only on a connection of that user.
        if (properties.IsUserIdPresent())
        {
            properties.Headers["Original-User-Id"] = properties.UserId;
            properties.ClearUserId();
        }
        // Neither the rest of the first time to live nor a restart of the broker may delete the copy.
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
