using System.Globalization;
using RabbitMQ.Client;
using RabbitMQ.Client.Exceptions;

namespace WorkinIt.DeadLetters;

/// <summary>
/// Allows one operation at a time on a queue. The lock is an exclusive queue: it works with any kind of queue, and the broker deletes it with the
/// connection. Its arguments show who holds it.
/// </summary>
internal static class QueueLock
{
    public const string Prefix = "dead-letters-lock:";

    /// <summary>The lock's name; a long queue name is replaced by a hash.</summary>
    /// <param name="queue">The queue.</param>
    /// <param name="suffix">The suffix for other queues that an operation declares.</param>
    public static string NameFor(string queue, string suffix = "") => BrokerNames.Of(Prefix, queue, suffix);

    private const string ReadingSuffix = ".catalogue"; // exists while the catalogue holds the lock
    private const string WaitingSuffix = ".waiting"; // exists while an operation waits for the catalogue
    private static readonly TimeSpan _readingEnds = TimeSpan.FromSeconds(30); // a quorum queue's messages are returned in their order first
    private static readonly TimeSpan _markerIsLate = TimeSpan.FromSeconds(1); // the catalogue takes the lock before its marker, and may lose the marker first
    private static readonly TimeSpan _pause = TimeSpan.FromMilliseconds(200);

    /// <summary>Takes the lock.</summary>
    /// <param name="connection">The connection that will hold the lock.</param>
    /// <param name="queue">The queue.</param>
    /// <param name="what">The verb, shown to others who find the queue locked.</param>
    /// <param name="who">The operator.</param>
    /// <param name="timeout">How long to wait for another operation to end.</param>
    /// <param name="holder">Finds out who holds the lock.</param>
    /// <param name="cancellationToken">Cancels the operation.</param>
    /// <exception cref="DeadLetterException">Another operation holds the lock.</exception>
    public static async Task TakeAsync(
        IConnection connection, string queue, string what, string who, TimeSpan timeout, Func<string, CancellationToken, Task<string>> holder, CancellationToken cancellationToken)
    {
        var name = NameFor(queue);
        var arguments = new Dictionary<string, object?>
        {
            ["who"] = Headers.Bounded(who),
            ["what"] = what,
            ["since"] = DateTimeOffset.UtcNow.ToString("u", CultureInfo.InvariantCulture),
        };
        var until = DateTimeOffset.UtcNow + (timeout > _markerIsLate ? timeout : _markerIsLate);
        var isWaiting = false;
        while (true)
        {
            await using var channel = await connection.CreateChannelAsync(cancellationToken: cancellationToken);
            try
            {
                await channel.QueueDeclareAsync(name, durable: false, exclusive: true, autoDelete: false, arguments, cancellationToken: cancellationToken);
                if (isWaiting)
                    await channel.QueueDeleteAsync(NameFor(queue, WaitingSuffix), ifUnused: false, ifEmpty: false, cancellationToken: cancellationToken);
                return;
            }
            catch (OperationInterruptedException e) when (e.ShutdownReason?.ReplyCode is Constants.ResourceLocked)
            {
                if (!isWaiting && await ExistsAsync(connection, NameFor(queue, ReadingSuffix), cancellationToken))
                {
                    isWaiting = await TryDeclareAsync(connection, NameFor(queue, WaitingSuffix), cancellationToken);
                    until = DateTimeOffset.UtcNow + _readingEnds;
                }
                if (DateTimeOffset.UtcNow > until)
                    throw new DeadLetterException(DeadLetterProblem.Locked, $"{await holder(name, cancellationToken)}. Only one operation can run on a queue at a time: wait until it ends", e);
                await Task.Delay(_pause, cancellationToken);
            }
        }
    }

    /// <summary>Shows that the catalogue holds the lock, and ends its read if an operation waits.</summary>
    public static Task<bool> ShowReadingAsync(IConnection connection, string queue, CancellationToken cancellationToken) =>
        TryDeclareAsync(connection, NameFor(queue, ReadingSuffix), cancellationToken);

    /// <summary>Shows that this connection waits for the lock.</summary>
    public static Task<bool> ShowWaitingAsync(IConnection connection, string queue, CancellationToken cancellationToken) =>
        TryDeclareAsync(connection, NameFor(queue, WaitingSuffix), cancellationToken);

    /// <summary>This connection no longer waits for the lock.</summary>
    public static Task EndWaitingAsync(IConnection connection, string queue, CancellationToken cancellationToken) => ReleaseAsync(connection, NameFor(queue, WaitingSuffix), queue, cancellationToken);

    /// <summary>Whether somebody waits for the lock.</summary>
    public static Task<bool> IsWaitedForAsync(IConnection connection, string queue, CancellationToken cancellationToken) =>
        ExistsAsync(connection, NameFor(queue, WaitingSuffix), cancellationToken);

    private static async Task<bool> TryDeclareAsync(IConnection connection, string name, CancellationToken cancellationToken)
    {
        try
        {
            await using var channel = await connection.CreateChannelAsync(cancellationToken: cancellationToken);
            await channel.QueueDeclareAsync(name, durable: false, exclusive: true, autoDelete: false, cancellationToken: cancellationToken);
            return true;
        }
        catch (OperationInterruptedException) when (connection.IsOpen)
        {
            return false; // another one has it
        }
    }

    // An exclusive queue of another connection is locked. On our own connection, it would be found.
    private static async Task<bool> ExistsAsync(IConnection connection, string name, CancellationToken cancellationToken)
    {
        try
        {
            await using var channel = await connection.CreateChannelAsync(cancellationToken: cancellationToken);
            await channel.QueueDeclarePassiveAsync(name, cancellationToken);
            return true;
        }
        catch (OperationInterruptedException e) when (connection.IsOpen)
        {
            return e.ShutdownReason?.ReplyCode == Constants.ResourceLocked;
        }
    }

    /// <summary>Releases the lock before the connection ends.</summary>
    public static Task ReleaseAsync(IConnection connection, string queue, CancellationToken cancellationToken) => ReleaseAsync(connection, NameFor(queue), queue, cancellationToken);

    private static Task<uint> ReleaseAsync(IConnection connection, string name, string queue, CancellationToken cancellationToken) =>
        connection.OnOwnChannelAsync(queue, channel => channel.QueueDeleteAsync(name, ifUnused: false, ifEmpty: false, cancellationToken: cancellationToken), cancellationToken);
}
