using RabbitMQ.Client;
using WorkinIt.Messaging;

namespace WorkinIt.DeadLetters;

/// <summary>
/// Tracks whether RabbitMQ has stopped reading from a publishing connection (connection.blocked) because memory or disk is low. A message
/// published to a blocked connection arrives after the alarm, even if it was reported as failed in the meantime, so nothing is published.
/// </summary>
internal sealed class BlockedState : IDisposable
{
    private readonly CancellationTokenSource _givenUp = new();
    private volatile string? _reason;
    private volatile TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <param name="connection">The connection that publishes.</param>
    /// <param name="changed">Called when the connection is blocked and when it is unblocked.</param>
    public BlockedState(IConnection connection, Action changed)
    {
        connection.ConnectionBlockedAsync += (_, blocked) =>
        {
            _ended = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            _reason = Words(blocked.Reason);
            changed();
            return Task.CompletedTask;
        };
        connection.ConnectionUnblockedAsync += (_, _) =>
        {
            _reason = null;
            _ended.TrySetResult();
            changed();
            return Task.CompletedTask;
        };
        connection.ConnectionShutdownAsync += (_, _) =>
        {
            _ended.TrySetResult();
            return Task.CompletedTask;
        };
    }

    /// <summary>Why the connection is blocked; null while it is not blocked.</summary>
    public string? Reason => _reason;

    /// <summary>Cancels the waits for confirms that can't arrive.</summary>
    public CancellationToken GivenUp => _givenUp.Token;

    /// <summary>Waits until the connection accepts messages.</summary>
    /// <exception cref="DeadLetterException">The connection was still blocked after <paramref name="timeout"/>.</exception>
    public async Task WaitForItsEndAsync(TimeSpan timeout, CancellationToken cancellationToken)
    {
        if (_reason is null)
            return;
        try
        {
            await _ended.Task.WaitAsync(timeout, cancellationToken);
        }
        catch (TimeoutException e)
        {
            GiveUp();
            throw InWords(e);
        }
    }

    public void GiveUp()
    {
        if (_reason is not null)
            _givenUp.Cancel();
    }

    public DeadLetterException InWords(Exception? cause = null) => InWords(_reason ?? "an alarm", cause);

    /// <summary>Describes the alarm, and what to do.</summary>
    /// <param name="reason">Why the broker accepts no messages.</param>
    /// <param name="cause">The inner exception.</param>
    public static DeadLetterException InWords(string reason, Exception? cause = null) => new(
        DeadLetterProblem.Blocked, $"RabbitMQ takes no messages now: {reason}. Messages that were not moved are still in the queue: run the operation again when the alarm is over", cause);

    public void Dispose() => _givenUp.Dispose();

    /// <summary>Why the connection is blocked, for <see cref="InWords(string, Exception?)"/>.</summary>
    /// <param name="reason">The reason in connection.blocked.</param>
    public static string Words(string? reason) =>
        AlarmWords.LowOn(reason) is { } low ? $"it is {low}" : reason is null or "" ? "it has blocked this connection" : reason;
}
