using MassTransit;

namespace WorkinIt.Messaging;

/// <summary>The headers that the broker adds to a message that was returned or dead-lettered. A copy starts without them.</summary>
public static class DeathHeaders
{
    /// <summary>
    /// Removes them. Otherwise RabbitMQ 3.x silently drops a message whose headers say that it died in the input queue before, when a delay
    /// queue sends it there again (the check for dead-letter cycles).
    /// </summary>
    /// <param name="headers">The headers of the copy.</param>
    public static void Remove(SendHeaders headers)
    {
        foreach (var header in headers.GetAll().Select(header => header.Key).Where(IsDeathHeader).ToArray())
            headers.Set(header, (object?)null, overwrite: true);
    }

    /// <summary>Removes them.</summary>
    /// <param name="headers">The headers of the copy, as RabbitMQ.Client represents them.</param>
    internal static void Remove(IDictionary<string, object?> headers)
    {
        foreach (var header in headers.Keys.Where(IsDeathHeader).ToArray())
            headers.Remove(header);
    }

    private static bool IsDeathHeader(string header) =>
        header is "x-death" or "x-delivery-count" or "x-acquired-count"
        || header.StartsWith("x-first-death-", StringComparison.Ordinal)
        || header.StartsWith("x-last-death-", StringComparison.Ordinal);
}
