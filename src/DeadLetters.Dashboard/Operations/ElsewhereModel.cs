using WorkinIt.DeadLetters.Catalogue.Operations;

namespace WorkinIt.DeadLetters.Dashboard.Operations;

/// <summary>An operation of another instance, or of this one before it was restarted.</summary>
/// <param name="Operation">The operation.</param>
/// <param name="IsRunning">Whether it runs.</param>
internal sealed record ElsewhereModel(SharedOperation Operation, bool IsRunning)
{
    /// <summary>Why it is paused; null if it is not.</summary>
    public ReplayPause? Pause { get; init; }

    /// <summary>Whether it is a dry run that has found something and was not run yet.</summary>
    public bool CanRun => Operation is { IsDryRun: true, CanRun: true, EndedAt: not null, Problem: null } && Operation.Done > 0;
}
