namespace WorkinIt.DeadLetters;

/// <summary>What the parts of <see cref="DeadLetterClient"/> share.</summary>
/// <param name="Options">The broker.</param>
/// <param name="Audit">The audit log.</param>
/// <param name="Advisor">Adds what only the application knows; null for none.</param>
/// <param name="Time">The clock.</param>
/// <param name="Management">The management API.</param>
/// <param name="Reports">Receives what the application reports about replayed messages.</param>
internal sealed record DeadLetterServices(DeadLetterOptions Options, IAuditLog Audit, IReplayAdvisor? Advisor, TimeProvider Time, ManagementClient Management, ReportInbox Reports)
{
    /// <summary>The input queue that a dead-letter queue belongs to.</summary>
    public string InputQueueOf(string queue) => Options.Names.InputQueueOf(queue);
}
