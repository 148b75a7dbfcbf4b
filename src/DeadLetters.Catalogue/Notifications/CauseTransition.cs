using WorkinIt.DeadLetters.Catalogue.Triage;

namespace WorkinIt.DeadLetters.Catalogue.Notifications;

/// <summary>What a look at the catalogue changes for a cause: what was seen of it, and the message to send, if any.</summary>
/// <param name="Track">What was seen of the cause, including this look.</param>
/// <param name="Kind">The message; null if none is sent.</param>
internal sealed record CauseTransition(CauseTrack Track, NotificationKind? Kind)
{
    /// <summary>The window in which failures are counted. A burst in the same time as another message about the cause belongs to that message.</summary>
    public static readonly TimeSpan Window = TimeSpan.FromMinutes(5);

    private const int MostVersions = 50; // of one cause: an application may put the number of its build there
    private const int LongestVersion = 200;

    private static readonly TimeSpan _calm = TimeSpan.FromMinutes(15);
    private static readonly TimeSpan _gone = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan _refresh = TimeSpan.FromSeconds(30); // times that only say "it goes on" are not written at each look

    /// <summary>Compares a look at a cause with what was seen before.</summary>
    /// <param name="triage">What is noted about the cause, and what was seen of it.</param>
    /// <param name="cause">Its letters now; null if none are there.</param>
    /// <param name="recent">Its failures in the <see cref="Window"/>.</param>
    /// <param name="limit">More failures than this are a burst.</param>
    /// <param name="now">The time.</param>
    public static CauseTransition Of(CauseTriage triage, BoardCause? cause, long recent, int limit, DateTimeOffset now)
    {
        if (cause is null)
            return Absent(triage.Track!, now);
        var marks = CauseMarks.Of(triage, cause, now);
        if (triage.Track is not { } before)
            return First(cause, recent > limit, marks, now);
        var isBack = before.GoneSince is { } gone && now - gone >= _gone;
        var failedAgain = cause.FailedAgain > before.FailedAgain;
        var track = before with
        {
            FirstAt = cause.First < before.FirstAt ? cause.First : before.FirstAt,
            FailedAgain = cause.FailedAgain,
            GoneSince = null,
            BackAt = isBack || (failedAgain && IsStale(before.BackAt, now)) ? now : before.BackAt,
            Versions = With(before.Versions, cause.Versions),
        };
        // While letters of one replay fail again one after another, it came back once.
        if (isBack || (failedAgain && IsCalm(before.BackAt, now)))
            return marks.IsMuted ? new CauseTransition(track, null) : Announce(track, NotificationKind.Back, recent > limit, now);
        return Burst(track, recent > limit, marks, now);
    }

    /// <summary>With the number of the notification that was written for it.</summary>
    public CauseTransition Announced(long notification) =>
        this with { Track = Track with { AnnouncedBy = Kind == NotificationKind.Over ? null : notification } };

    private static CauseTransition Absent(CauseTrack before, DateTimeOffset now)
    {
        var track = before with { GoneSince = before.GoneSince ?? now, FailedAgain = 0 };
        return now - track.GoneSince < _gone ? new CauseTransition(track, null)
            : before.AnnouncedAt is null ? new CauseTransition(track with { BurstAt = null }, null)
            : new CauseTransition(track with { BurstAt = null, AnnouncedAt = null }, NotificationKind.Over);
    }

    private static CauseTransition First(BoardCause cause, bool isBurst, CauseMarks marks, DateTimeOffset now)
    {
        var track = new CauseTrack
        {
            FirstAt = cause.First,
            FirstVersion = ApplicationVersion.Lowest(Kept(cause.Versions)),
            FailedAgain = cause.FailedAgain,
            Versions = With(new HashSet<string>(StringComparer.Ordinal), cause.Versions),
        };
        return marks.IsMuted || marks.IsAcknowledged ? new CauseTransition(track, null) : Announce(track, NotificationKind.New, isBurst, now);
    }

    private static CauseTransition Burst(CauseTrack track, bool isBurst, CauseMarks marks, DateTimeOffset now)
    {
        if (!isBurst)
            return new CauseTransition(IsCalm(track.BurstAt, now) ? track with { BurstAt = null } : track, null);
        if (!IsCalm(track.BurstAt, now))
            return new CauseTransition(IsStale(track.BurstAt, now) ? track with { BurstAt = now } : track, null);
        if (track.AnnouncedAt is { } announced && now - announced < Window)
            return new CauseTransition(track with { BurstAt = now }, null);
        // A burst that was not announced is announced when the mute ends, if it still goes on.
        return marks.IsMuted || marks.IsAcknowledged ? new CauseTransition(track, null) : Announce(track, NotificationKind.Burst, isBurst, now);
    }

    private static CauseTransition Announce(CauseTrack track, NotificationKind kind, bool isBurst, DateTimeOffset now) =>
        new(track with { AnnouncedAt = now, BurstAt = isBurst ? now : track.BurstAt }, kind);

    private static bool IsCalm(DateTimeOffset? last, DateTimeOffset now) => last is null || now - last >= _calm;

    private static bool IsStale(DateTimeOffset? last, DateTimeOffset now) => last is null || now - last >= _refresh;

    private static IEnumerable<string> Kept(IEnumerable<string> versions) => versions.Where(version => version.Length <= LongestVersion).Take(MostVersions);

    // The same set if nothing is new, so that equal tracks are equal.
    private static IReadOnlySet<string> With(IReadOnlySet<string> before, IEnumerable<string> versions)
    {
        var added = Kept(versions).Where(version => !before.Contains(version)).Take(Math.Max(0, MostVersions - before.Count)).ToList();
        return added.Count == 0 ? before : before.Concat(added).ToHashSet(StringComparer.Ordinal);
    }
}
