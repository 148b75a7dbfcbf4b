namespace WorkinIt.DeadLetters;

/// <content>What the application's set-up lacks.</content>
public sealed partial class DeadLetterClient
{
    /// <summary>
    /// Finds out what is missing: the broker, its management API, the tag or permissions of the RabbitMQ user, an <see cref="AuditFile"/> that can be
    /// written. Changes nothing.
    /// </summary>
    /// <param name="hasCatalogue">Whether the permissions for a catalogue are needed too.</param>
    /// <param name="cancellationToken">Cancels the check.</param>
    /// <returns>One sentence for each, with the remedy; empty if nothing is missing.</returns>
    public Task<IReadOnlyList<string>> FindMissingAsync(bool hasCatalogue, CancellationToken cancellationToken) => _setup.RunAsync(hasCatalogue, cancellationToken);
}
