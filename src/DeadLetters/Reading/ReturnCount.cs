using System.Globalization;
using RabbitMQ.Client;

namespace WorkinIt.DeadLetters;

/// <summary>How often a message has come back to the queue that it is read from.</summary>
internal static class ReturnCount
{
    private static readonly Version _acquires = new(4, 3);

    /// <summary>
    /// Returns at least the count that the queue itself keeps. The header alone is not it: a shovel copies the count of another queue, and RabbitMQ 4
    /// shows the copied one until this queue has counted a return. 3.10.8 always shows its own count. Seen on 3.10.8 and 4.3.6.
    /// </summary>
    /// <param name="headers">The headers.</param>
    /// <param name="redelivered">Whether the broker delivers the message once more.</param>
    /// <param name="version">The broker's version.</param>
    public static long Of(IDictionary<string, object?>? headers, bool redelivered, Version version)
    {
        if (!redelivered) // from this queue, for the first time
            return 0;
        var counted = Number(headers, "x-delivery-count") ?? 0;
        // 4.3 delivers its own count of deliveries with each message that had come back, and no count of its returns is higher. But a quorum queue hands its count on
        // with a message that it dead-letters, and the next queue goes on from it, while its count of deliveries begins anew. Such a message has x-last-death-…; one that a
        // shovel brought from 3.10 has not. Of one that was dead-lettered on 4 and then shovelled, the count may be too high, which refuses a read and loses nothing.
        return version >= _acquires && headers?.ContainsKey("x-last-death-queue") != true && Number(headers, "x-acquired-count") is { } acquired ? Math.Min(counted, acquired) : counted;
    }

    private static long? Number(IDictionary<string, object?>? headers, string name) =>
        headers?.TryGetValue(name, out var value) == true && value is sbyte or byte or short or ushort or int or uint or long ? Convert.ToInt64(value, CultureInfo.InvariantCulture) : null;
}
