namespace WorkinIt.DeadLetters;

/// <summary>An audit log whose failures are told as what they are: nobody acts, or sees what is masked, without a record of it.</summary>
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

    public async Task<IReadOnlyList<AuditEntry>> ReadAsync(string? queue, int limit, CancellationToken cancellationToken)
    {
        try
        {
            return await log.ReadAsync(queue, limit, cancellationToken);
        }
        catch (Exception e) when (IsOfTheLog(e))
        {
            throw new DeadLetterException(DeadLetterProblem.Audit, $"The audit can’t be read: {Reason(e)}", e);
        }
    }

    // A log of the application's own may fail in any way.
    private static bool IsOfTheLog(Exception e) => e is not (OperationCanceledException or DeadLetterException);

    private static string Reason(Exception e) => e.Message.TrimEnd('.');

    private static string After(AuditEntry entry) => entry switch
    {
        { EndedAt: null } => "So nothing was done",
        { Verb: "reveal" } => "So nothing is shown",
        _ => $"The operation has ended: {entry.Done} of {entry.Selected} were moved. Its entry has no end",
    };
}
