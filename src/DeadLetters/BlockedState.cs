using RabbitMQ.Client;

namespace WorkinIt.DeadLetters;

/// <summary>
/// Whether RabbitMQ has stopped reading from a connection that publishes (connection.blocked): memory or disk run low. What is published into
/// such a connection arrives after the alarm, whatever was said of it meanwhile; so nothing is.
/// </summary>
internal sealed class BlockedState : IDisposable
{
    private readonly CancellationTokenSource _givenUp = new();
    private volatile string? _reason;
    private volatile TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <param name="connection">The connection that publishes.</param>
    /// <param name="changed">Called when it is blocked and when it is not any more.</param>
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

    /// <summary>Why; null while it is not blocked.</summary>
    public string? Reason => _reason;

    /// <summary>Ends the waits for confirms that can't come.</summary>
    public CancellationToken GivenUp => _givenUp.Token;

    /// <summary>Waits until the connection takes messages.</summary>
    /// <exception cref="DeadLetterException">It took none for so long.</exception>
    public async Task WaitForItsEndAsync(TimeSpan patience, CancellationToken cancellationToken)
    {
        if (_reason is null)
            return;
        try
        {
            await _ended.Task.WaitAsync(patience, cancellationToken);
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

    /// <summary>What it is, and what to do.</summary>
    /// <param name="reason">Why.</param>
    /// <param name="cause">What lies beneath.</param>
    public static DeadLetterException InWords(string reason, Exception? cause = null) => new(
        DeadLetterProblem.Blocked, $"RabbitMQ takes no messages now: {reason}. What was not moved is in the queue: run it again when the alarm is over", cause);

    public void Dispose() => _givenUp.Dispose();

    private static string Words(string? reason) => reason switch
    {
        "low on memory" => "it is low on memory",
        "low on disk" => "it is low on disk space",
        null or "" => "it has blocked this connection",
        _ => reason,
    };
}
