namespace WorkinIt.DeadLetters;

/// <content>A check of the virtual host.</content>
public sealed partial class DeadLetterClient
{
    /// <summary>
    /// Checks the virtual host for settings that lose messages, stop consumers or spoil a replay. Reads the management API by GET requests only, opens no AMQP
    /// connection, and touches no queue.
    /// </summary>
    /// <param name="queue">Only what concerns this queue and its dead-letter queues; null: everything.</param>
    /// <param name="cancellationToken">Cancels the check.</param>
    /// <exception cref="DeadLetterException">The management API does not answer, or the queue does not exist.</exception>
    public Task<Diagnosis> DiagnoseAsync(string? queue, CancellationToken cancellationToken) => new VirtualHostDoctor(_services.Options).RunAsync(queue, cancellationToken);
}
