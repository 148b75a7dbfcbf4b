using WorkinIt.DeadLetters.Catalogue.Operations;

namespace WorkinIt.DeadLetters.Dashboard.Operations;

/// <summary>An operation of another instance, or of this one before it was restarted.</summary>
/// <param name="Operation">The operation.</param>
/// <param name="IsRunning">Whether it runs.</param>
internal sealed record ElsewhereModel(SharedOperation Operation, bool IsRunning)
{
    /// <summary>Its entry in the audit log, if nothing was heard of its end; null if the log has none.</summary>
    public AuditEntry? Entry { get; init; }

    /// <summary>Where it runs or ran.</summary>
    public string Place => Operation.RunsOn is { } place ? $"on {place}" : "on another instance of this application, or before this one was restarted";

    /// <summary>Of a replay: the outcomes of its messages now; null if the catalogue does not have them.</summary>
    public OperationOutcomes? Outcomes { get; init; }

    /// <summary>Why it is paused; null if it is not.</summary>
    public ReplayPause? Pause { get; init; }

    /// <summary>Whether it can be paused, and who has asked for that; null if it can't be.</summary>
    public PausableReplay? Pausable { get; init; }

    /// <summary>Whether it is a dry run that has found something and was not run yet.</summary>
    public bool CanRun => Operation is { IsDryRun: true, CanRun: true, EndedAt: not null, Problem: null } && Operation.Done > 0;
}
