namespace WorkinIt.DeadLetters.Catalogue.Triage;

/// <summary>What a cause is marked with. Computed, not stored, because it changes with time.</summary>
internal sealed record CauseMarks
{
    private static readonly TimeSpan _new = TimeSpan.FromHours(24);

    /// <summary>First seen less than 24 hours ago, not acknowledged, and not back.</summary>
    public bool IsNew { get; private init; }

    /// <summary>Replayed letters failed with this cause again, or it had no letters and has some again; not acknowledged since.</summary>
    public bool IsBack { get; private init; }

    /// <summary>Acknowledged, and not back since.</summary>
    public bool IsAcknowledged { get; private init; }

    /// <summary>Muted now.</summary>
    public bool IsMuted { get; private init; }

    /// <summary>The version of the application that it was first seen with; null if unknown.</summary>
    public string? FirstVersion { get; private init; }

    /// <summary>Computes the marks.</summary>
    /// <param name="triage">What is noted about the cause.</param>
    /// <param name="cause">Its letters; null if none are there.</param>
    /// <param name="now">The time.</param>
    public static CauseMarks Of(CauseTriage triage, BoardCause? cause, DateTimeOffset now)
    {
        var track = triage.Track;
        var first = Earlier(track?.FirstAt, cause?.First);
        var isYoung = first is { } at && now - at < _new;
        var isAcknowledged = triage.Acknowledged is { } acknowledged && (track?.BackAt is not { } backAt || acknowledged.At >= backAt);
        var isBack = track?.BackAt is not null || (cause?.FailedAgain > 0 && !isYoung);
        return new CauseMarks
        {
            IsNew = isYoung && !isBack && !isAcknowledged,
            IsBack = isBack && !isAcknowledged,
            IsAcknowledged = isAcknowledged,
            IsMuted = IsMutedAt(triage.Mute, [.. track?.Versions ?? new HashSet<string>(), .. cause?.Versions ?? []], now),
            FirstVersion = track is null ? ApplicationVersion.Lowest(cause?.Versions ?? []) : track.FirstVersion,
        };
    }

    /// <summary>Whether a mute holds.</summary>
    /// <param name="mute">The mute.</param>
    /// <param name="versionsSeen">The versions of the application that letters of the cause had. Other causes may be of other applications, with versions of their own.</param>
    /// <param name="now">The time.</param>
    public static bool IsMutedAt(Mute? mute, IEnumerable<string> versionsSeen, DateTimeOffset now) => mute switch
    {
        null => false,
        { Until: { } until } => now < until,
        { UntilVersion: { } version } => !versionsSeen.Any(seen => ApplicationVersion.IsAtLeast(seen, version)),
        _ => false,
    };

    private static DateTimeOffset? Earlier(DateTimeOffset? one, DateTimeOffset? other) => one is null || other < one ? other : one;
}
