using MassTransit;

namespace WorkinIt.Messaging;

/// <summary>What the broker wrote on a message that came back or died. A copy begins without it.</summary>
public static class DeathHeaders
{
    /// <summary>
    /// Takes them off. They are more than untidy: a message that says it died in the input queue before is dropped without a word
    /// when a delay queue sends it there again (RabbitMQ's check for cycles, on 3.x).
    /// </summary>
    /// <param name="headers">The headers of the copy.</param>
    public static void Remove(SendHeaders headers)
    {
        foreach (var header in headers.GetAll().Select(header => header.Key).Where(IsDeathHeader).ToArray())
            headers.Set(header, (object?)null, overwrite: true);
    }

    /// <summary>Takes them off.</summary>
    /// <param name="headers">The headers of the copy, as the client has them.</param>
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
