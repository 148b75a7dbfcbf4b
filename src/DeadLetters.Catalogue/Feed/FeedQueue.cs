using System.Globalization;
using System.Text.Json;
using RabbitMQ.Client;

namespace WorkinIt.DeadLetters.Catalogue.Feed;

/// <summary>
/// The queue that receives a copy of each dead letter. A copy must not slow down the application, which waits for the broker's confirm. So the queue
/// is classic and not durable: on RabbitMQ 3.10.8, the confirm of a single message took 2 % longer with it, 24 to 38 % longer with a durable classic
/// queue, and 33 to 48 % longer with a quorum queue. A restart of the broker removes it. Then it is declared again, and the queues are read.
/// </summary>
internal static class FeedQueue
{
    // Copies contain personal data, so they are deleted after a day. The queue outlives a restart of its host and no more: while no host looks, a
    // message that an application publishes to the exchange of a deleted dead-letter queue would reach the feed only, and the application would not
    // learn that its queue is missing. A host that stops removes the bindings, so only a crash leaves them.
    private static readonly Dictionary<string, object?> _arguments = new()
    {
        ["x-queue-type"] = "classic",
        ["x-single-active-consumer"] = true,
        ["x-max-length"] = 100_000L,
        ["x-max-length-bytes"] = 256L * 1024 * 1024,
        ["x-overflow"] = "drop-head", // the application's publishes must not be rejected
        ["x-message-ttl"] = (long)TimeSpan.FromDays(1).TotalMilliseconds,
        ["x-expires"] = (long)Expires.TotalMilliseconds,
    };

    /// <summary>How long the queue exists without a host.</summary>
    public static TimeSpan Expires => TimeSpan.FromMinutes(10);

    /// <summary>Declares the queue, unless it exists.</summary>
    /// <param name="connection">The feed's connection.</param>
    /// <param name="cancellationToken">Cancels the operation.</param>
    /// <exception cref="DeadLetterException">The queue does not exist, and the user may not declare it.</exception>
    public static async Task DeclareAsync(IConnection connection, CancellationToken cancellationToken)
    {
        var broker = new QueueDeclarations(connection);
        if (await broker.CountsAsync(FeedNotice.Queue, cancellationToken) is null)
            await broker.CreateAsync(FeedNotice.Queue, _arguments, cancellationToken, durable: false);
    }

    /// <summary>Why the queue must not be bound; null if it may be.</summary>
    public static string? ProblemOf(BrokerQueue queue) =>
        queue.Texts("overflow").FirstOrDefault(overflow => overflow.StartsWith("reject-publish", StringComparison.Ordinal)) is { } overflow
            ? $"Queue {FeedNotice.Queue} has the overflow {overflow}: when it is full, the application could not publish its dead letters. Delete the queue; it is declared again"
            : null;

    /// <summary>How the queue differs from what this version declares; null if it does not.</summary>
    public static string? DifferenceOf(BrokerQueue queue)
    {
        var differences = _arguments
            .Select(wanted => (wanted.Key, Wanted: Text(wanted.Value), Actual: Text(queue, wanted.Key)))
            .Where(argument => argument.Wanted != argument.Actual)
            .Select(argument => $"{argument.Key} is {argument.Actual} instead of {argument.Wanted}")
            .ToList();
        return differences.Count == 0 ? null : string.Join(", ", differences);
    }

    private static string Text(object? value) => Convert.ToString(value, CultureInfo.InvariantCulture)!.ToLowerInvariant();

    private static string Text(BrokerQueue queue, string argument) =>
        argument == "x-queue-type" ? queue.Type ?? "classic"
        : queue.Arguments.ValueKind == JsonValueKind.Object && queue.Arguments.TryGetProperty(argument, out var value) ? value.ToString().ToLowerInvariant() : "not set";
}
