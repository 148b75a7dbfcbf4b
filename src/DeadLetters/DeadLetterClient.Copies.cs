namespace WorkinIt.DeadLetters;

/// <content>Copies of dead letters in other queues.</content>
public sealed partial class DeadLetterClient
{
    /// <summary>Dry run: reports what a copy would do. Every message returns to its place.</summary>
    /// <param name="request">The copy.</param>
    /// <param name="progress">Receives progress reports.</param>
    /// <param name="cancellationToken">Cancels the operation.</param>
    /// <exception cref="DeadLetterException">The queue for the copies does not exist.</exception>
    public Task<OperationResult> PlanCopyAsync(CopyRequest request, IProgress<OperationProgress>? progress, CancellationToken cancellationToken) =>
        _copier.PlanAsync(request, progress, cancellationToken);

    /// <summary>
    /// Publishes a copy of each dead letter to another queue, as a replay would publish it, with the header <c>Replay-Copy</c>. The dead letters stay where they
    /// are. Consumers of that queue do their work: it should be one of a sandbox.
    /// </summary>
    /// <param name="request">The copy.</param>
    /// <param name="progress">Receives progress reports.</param>
    /// <param name="cancellationToken">Cancels the operation between two messages.</param>
    /// <returns>Where each copy went; their outcomes are not followed.</returns>
    /// <exception cref="DeadLetterException">The queue for the copies does not exist, or a connection was lost. Every dead letter is where it was.</exception>
    public Task<OperationResult> CopyAsync(CopyRequest request, IProgress<OperationProgress>? progress, CancellationToken cancellationToken) =>
        _copier.CopyAsync(request, progress, cancellationToken);
}
