using System.Diagnostics;
using RabbitMQ.Client;

namespace WorkinIt.Messaging;

/// <summary>
/// Reads the counts of a queue. RabbitMQ asks a quorum queue for 250 ms (seen on 3.10 and 4.3). If the queue is too busy to answer by then, RabbitMQ reports
/// no messages and no consumers instead of an error, so on a loaded broker a full queue looks empty. Such an answer is late, and is not believed.
/// </summary>
internal static class QueueCounting
{
    /// <summary>How often the broker is asked where an answer is needed.</summary>
    public const int MostTries = 20;

    private static readonly TimeSpan _honest = TimeSpan.FromMilliseconds(240); // below the broker's 250 ms, because clocks differ
    private static readonly TimeSpan _pause = TimeSpan.FromMilliseconds(200);

    /// <summary>Reads how many messages are ready in a queue, and how many consumers it has.</summary>
    /// <param name="channel">The channel. The broker closes it if it refuses the question.</param>
    /// <param name="queue">The queue.</param>
    /// <param name="cancellationToken">Cancels the wait.</param>
    /// <param name="tries">How often to ask at most.</param>
    /// <returns>Null if the queue did not answer the broker.</returns>
    public static async Task<QueueDeclareOk?> CountAsync(this IChannel channel, string queue, CancellationToken cancellationToken, int tries = MostTries)
    {
        for (var left = tries; ;)
        {
            var asked = Stopwatch.GetTimestamp();
            var answer = await channel.QueueDeclarePassiveAsync(queue, cancellationToken);
            if (answer is { MessageCount: > 0 } or { ConsumerCount: > 0 } || Stopwatch.GetElapsedTime(asked) < _honest)
                return answer;
            if (--left <= 0)
                return null;
            await Task.Delay(_pause, cancellationToken);
        }
    }
}
