namespace WorkinIt.DeadLetters.Dashboard.Api;

/// <summary>The causes of the letters that a query selects.</summary>
/// <param name="Letters">How many letters there are.</param>
/// <param name="Causes">The causes, the largest first.</param>
internal sealed record ApiCauses(long Letters, IReadOnlyList<ApiCause> Causes)
{
    /// <summary>Failures in the last 5 minutes, per minute; null without a catalogue.</summary>
    public double? PerMinute { get; init; }

    public DateTimeOffset? Oldest { get; init; }

    public ApiHistogram? Histogram { get; init; }

    /// <summary>Why this may be incomplete.</summary>
    public IReadOnlyList<string> Notices { get; init; } = [];
}

/// <summary>Failures over time.</summary>
/// <param name="From">The beginning.</param>
/// <param name="StepSeconds">The width of a step.</param>
/// <param name="Counts">The failures of each step.</param>
internal sealed record ApiHistogram(DateTimeOffset From, long StepSeconds, IReadOnlyList<long> Counts);

/// <summary>A cause.</summary>
internal sealed record ApiCause
{
    public required string Id { get; init; }

    public string? ExceptionType { get; init; }

    public required string Text { get; init; }

    /// <summary>The first stack frame in the application's own code; null if unknown.</summary>
    public string? Frame { get; init; }

    /// <summary>The id of its newest dead letter; null without a catalogue.</summary>
    public string? NewestLetter { get; init; }

    public required long Count { get; init; }

    public DateTimeOffset? First { get; init; }

    public DateTimeOffset? Last { get; init; }

    public required IReadOnlyList<ApiQueueCount> Queues { get; init; }

    public IReadOnlyList<string> MessageTypes { get; init; } = [];

    public IReadOnlyList<string> Versions { get; init; } = [];

    public long FailedAgain { get; init; }

    public IReadOnlyList<string> Marks { get; init; } = [];
}

/// <summary>How many letters a queue holds.</summary>
internal sealed record ApiQueueCount(string Source, string Queue, long Count);

/// <summary>A cause with its triage.</summary>
/// <param name="Cause">The cause; null if none of its letters is in a queue.</param>
/// <param name="Triage">What operators noted.</param>
/// <param name="History">The changes, newest first.</param>
internal sealed record ApiCauseDetails(ApiCause? Cause, ApiTriage Triage, IReadOnlyList<ApiTriageChange> History);

/// <summary>What operators noted about a cause.</summary>
internal sealed record ApiTriage(string? AcknowledgedBy, DateTimeOffset? MutedUntil, string? MutedUntilVersion, string Owner, string Note, string Link);

/// <summary>A change of the triage.</summary>
internal sealed record ApiTriageChange(DateTimeOffset At, string By, string Change, string Text);
