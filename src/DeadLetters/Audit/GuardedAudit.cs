namespace WorkinIt.DeadLetters;

/// <summary>
/// An audit log that reports its failures as <see cref="DeadLetterException"/>. Without an audit record, no operation starts and no masked value is shown.
/// </summary>
internal sealed class GuardedAudit(IAuditLog log) : IAuditLog
{
    public async Task WriteAsync(AuditEntry entry, CancellationToken cancellationToken)
    {
        try
        {
            await log.WriteAsync(entry, cancellationToken);
        }
        catch (Exception e) when (IsOfTheLog(e))
        {
            throw new DeadLetterException(DeadLetterProblem.Audit, $"The audit can’t be written: {Reason(e)}. {After(entry)}", e);
        }
    }

    public Task<IReadOnlyList<AuditEntry>> ReadAsync(string? queue, int limit, CancellationToken cancellationToken) =>
        ReadAsync(() => log.ReadAsync(queue, limit, cancellationToken));

    public Task<IReadOnlyList<AuditEntry>> ReadBeforeAsync(string? queue, string before, int limit, CancellationToken cancellationToken) =>
        ReadAsync(() => log.ReadBeforeAsync(queue, before, limit, cancellationToken));

    public Task<AuditEntry?> FindAsync(string id, CancellationToken cancellationToken) => ReadAsync(() => log.FindAsync(id, cancellationToken));

    private static async Task<T> ReadAsync<T>(Func<Task<T>> read)
    {
        try
        {
            return await read();
        }
        catch (Exception e) when (IsOfTheLog(e))
        {
            throw new DeadLetterException(DeadLetterProblem.Audit, $"The audit can’t be read: {Reason(e)}", e);
        }
    }

    public async Task KeepOriginalsAsync(string operation, IReadOnlyList<OriginalMessage> originals, CancellationToken cancellationToken)
    {
        try
        {
            await log.KeepOriginalsAsync(operation, originals, cancellationToken);
        }
        catch (Exception e) when (IsOfTheLog(e))
        {
            throw new DeadLetterException(DeadLetterProblem.Audit, $"The original messages can’t be kept with the audit: {Reason(e)}. Messages that were not repaired yet are still in the queue", e);
        }
    }

    // An application can supply its own log, which may throw any exception.
    private static bool IsOfTheLog(Exception e) => e is not (OperationCanceledException or DeadLetterException);

    private static string Reason(Exception e) => e.Message.TrimEnd('.');

    private static string Ended(AuditEntry entry) => $"The operation ({entry.Verb}) ended: {entry.Done} of {entry.Selected} messages";

    private static string After(AuditEntry entry) => entry switch
    {
        { EndedAt: null } => "Nothing was done",
        { Verb: "reveal" } => "Nothing was revealed",
        { Doubts.Count: > 0 and var doubts } => $"{Ended(entry)}. {doubts} more were published and never confirmed or never acknowledged, and that is not recorded: check the target queue before you run it again",
        _ => $"{Ended(entry)}. Its audit entry has no end time",
    };
}
