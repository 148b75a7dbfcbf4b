using System.Globalization;
using RabbitMQ.Client;
using RabbitMQ.Client.Exceptions;

namespace WorkinIt.DeadLetters;

/// <summary>
/// One operation at a time on one queue. The lock is an exclusive queue: the broker keeps it, beside any kind of queue, and drops it with the
/// connection. Its arguments tell who has it.
/// </summary>
internal static class QueueLock
{
    public const string Prefix = "dead-letters-lock:";

    /// <summary>The lock's name; with a hash in the place of a long queue's name.</summary>
    /// <param name="queue">The queue.</param>
    /// <param name="suffix">Of what else an operation declares for itself.</param>
    public static string NameFor(string queue, string suffix = "") => BrokerNames.Of(Prefix, queue, suffix);

    private static readonly TimeSpan _pause = TimeSpan.FromMilliseconds(200);

    /// <param name="connection">The connection that has it from then on.</param>
    /// <param name="queue">The queue.</param>
    /// <param name="what">The verb, for whoever finds the queue locked.</param>
    /// <param name="who">The person.</param>
    /// <param name="patience">How long to wait for another operation's end.</param>
    /// <param name="holder">Asks who holds the lock.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <exception cref="DeadLetterException">Somebody else has it.</exception>
    public static async Task TakeAsync(
        IConnection connection, string queue, string what, string who, TimeSpan patience, Func<string, CancellationToken, Task<string>> holder, CancellationToken cancellationToken)
    {
        var name = NameFor(queue);
        var arguments = new Dictionary<string, object?>
        {
            ["who"] = Headers.Bounded(who),
            ["what"] = what,
            ["since"] = DateTimeOffset.UtcNow.ToString("u", CultureInfo.InvariantCulture),
        };
        var until = DateTimeOffset.UtcNow + patience;
        while (true)
        {
            await using var channel = await connection.CreateChannelAsync(cancellationToken: cancellationToken);
            try
            {
                await channel.QueueDeclareAsync(name, durable: false, exclusive: true, autoDelete: false, arguments, cancellationToken: cancellationToken);
                return;
            }
            catch (OperationInterruptedException e) when (e.ShutdownReason?.ReplyCode is Constants.ResourceLocked)
            {
                if (DateTimeOffset.UtcNow > until)
                    throw new DeadLetterException(DeadLetterProblem.Locked, $"{await holder(name, cancellationToken)}. One operation at a time: wait for its end", e);
                await Task.Delay(_pause, cancellationToken);
            }
        }
    }

    /// <summary>Gives it back before the connection ends.</summary>
    public static Task ReleaseAsync(IConnection connection, string queue, CancellationToken cancellationToken) =>
        connection.OnOwnChannelAsync(
            queue, channel => channel.QueueDeleteAsync(NameFor(queue), ifUnused: false, ifEmpty: false, cancellationToken: cancellationToken), cancellationToken);
}
