using System.Diagnostics;
using RabbitMQ.Client;

namespace WorkinIt.Messaging;

/// <summary>
/// Reads the counts of a queue. RabbitMQ asks a quorum queue for 250 ms (seen on 3.10 and 4.3). If the queue is too busy to answer by then, RabbitMQ reports
/// no messages and no consumers instead of an error, so on a loaded broker a full queue looks empty. Such an answer is late, and is not believed. The answers of a
/// distant broker are late too. So the time that a question takes which no queue answers is subtracted.
/// </summary>
internal static class QueueCounting
{
    /// <summary>How often the broker is asked where an answer is needed.</summary>
    public const int MostTries = 20;

    private const int RoundTrips = 3;
    private const string NoConsumer = "round-trip";
    private static readonly TimeSpan _honest = TimeSpan.FromMilliseconds(240); // below the broker's 250 ms, because clocks differ
    private static readonly TimeSpan _honestBeyond = TimeSpan.FromMilliseconds(120); // beyond a round trip, whose time varies
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
            if (answer is { MessageCount: > 0 } or { ConsumerCount: > 0 } || (Stopwatch.GetElapsedTime(asked) is var took && (took < _honest || await IsDistantAsync(channel, took, cancellationToken))))
                return answer;
            if (--left <= 0)
                return null;
            await Task.Delay(_pause, cancellationToken);
        }
    }

    // Whether the way to the broker explains why an answer was late. The shortest of some round trips counts: one may be late for another reason.
    private static async Task<bool> IsDistantAsync(IChannel channel, TimeSpan took, CancellationToken cancellationToken)
    {
        for (var left = RoundTrips; left > 0; left--)
        {
            var asked = Stopwatch.GetTimestamp();
            await channel.BasicCancelAsync(NoConsumer, noWait: false, cancellationToken); // the broker confirms the end of a consumer that does not exist
            if (took - Stopwatch.GetElapsedTime(asked) >= _honestBeyond)
                return false;
        }
        return true;
    }
}
