using System.Globalization;

namespace WorkinIt.DeadLetters.Catalogue.Operations;

/// <summary>An operation as all instances know it.</summary>
internal sealed record SharedOperation
{
    /// <summary>An instance writes its progress every second. After this time without news it has ended, or can't reach the database.</summary>
    public static readonly TimeSpan Silence = TimeSpan.FromSeconds(30);

    public required string Id { get; init; }

    public required string Queue { get; init; }

    /// <summary>The source of the queue; null if an older version wrote it, which had one.</summary>
    public string? Source { get; init; }

    /// <summary>What it does, as every user may see it.</summary>
    public required string Title { get; init; }

    /// <summary>The operator.</summary>
    public required string By { get; init; }

    public required bool IsDryRun { get; init; }

    public required DateTimeOffset StartedAt { get; init; }

    /// <summary>When its instance last wrote.</summary>
    public DateTimeOffset UpdatedAt { get; init; }

    /// <summary>When it ended; null while it runs, and for good if its instance was killed.</summary>
    public DateTimeOffset? EndedAt { get; init; }

    /// <summary>Whether a user has asked for its end.</summary>
    public bool IsCancelled { get; init; }

    public long Examined { get; init; }

    public long Total { get; init; }

    public long Done { get; init; }

    public long Refused { get; init; }

    /// <summary>The result in one line; null while it runs and if it failed.</summary>
    public string? Result { get; init; }

    /// <summary>Why there is no result.</summary>
    public string? Problem { get; init; }

    /// <summary>Of a dry run: whether its request is still kept, so that any instance can run it.</summary>
    public bool CanRun { get; init; }

    /// <summary>Its entry in the audit log; null for a dry run, and while its instance has not reported it.</summary>
    public string? AuditId { get; init; }

    /// <summary>The process that runs it or ran it, such as <c>web-1 (process 12)</c>; null if an earlier version recorded it.</summary>
    public string? RunsOn { get; init; }

    /// <summary>Whether it runs, as far as its instance has reported.</summary>
    public bool IsRunning(DateTimeOffset now) => EndedAt is null && now - UpdatedAt < Silence;

    /// <summary>How far it is, or was when it was last heard of; for one that has not ended.</summary>
    public string State(DateTimeOffset now) => string.Create(
        CultureInfo.InvariantCulture,
        $"{(IsRunning(now) ? "running" : $"interrupted: last report {UpdatedAt.UtcDateTime:yyyy-MM-dd HH:mm:ss} UTC")}; {Examined:N0} of {Total:N0} examined, {Done:N0} moved, {Refused:N0} refused{(RunsOn is { } place ? $", on {place}" : "")}");
}
