using System.Globalization;

namespace WorkinIt.DeadLetters.Catalogue.Triage;

/// <summary>The longest texts, in characters.</summary>
internal static class TriageLimits
{
    public const int Owner = 100;
    public const int Note = 4000;
    public const int Link = 2000;
    public const int Version = 100;
}

/// <summary>What operators noted about a cause. Owner and note may be personal data: shown, and never logged.</summary>
/// <param name="Cause">The cause's id.</param>
internal sealed record CauseTriage(string Cause)
{
    /// <summary>When it was acknowledged, and by whom; null if it was not.</summary>
    public Stamp? Acknowledged { get; init; }

    /// <summary>Its mute, which may have ended; null if it was never muted, or unmuted.</summary>
    public Mute? Mute { get; init; }

    public string Owner { get; init; } = "";

    public string Note { get; init; } = "";

    /// <summary>An http or https address; empty if there is none.</summary>
    public string Link { get; init; } = "";

    /// <summary>What the watch has seen of the cause; null if nothing yet.</summary>
    public CauseTrack? Track { get; init; }
}

/// <summary>Who, and when.</summary>
internal sealed record Stamp(string By, DateTimeOffset At);

/// <summary>A mute: until a time, or until a version of the application is seen. One of the two is set.</summary>
internal sealed record Mute(Stamp Set, DateTimeOffset? Until, string? UntilVersion);

/// <summary>What the watch has seen of a cause.</summary>
internal sealed record CauseTrack
{
    /// <summary>When the first letter of the cause failed, of all that were seen.</summary>
    public required DateTimeOffset FirstAt { get; init; }

    /// <summary>The lowest version of the application that was seen when the cause was seen first; null if its letters have none.</summary>
    public string? FirstVersion { get; init; }

    /// <summary>How many of its letters had been replayed before, at the last look.</summary>
    public long FailedAgain { get; init; }

    /// <summary>Since when no letter of the cause is there; null if some are.</summary>
    public DateTimeOffset? GoneSince { get; init; }

    /// <summary>When it last came back: replayed letters failed again, or it had no letters and has some again.</summary>
    public DateTimeOffset? BackAt { get; init; }

    /// <summary>When its rate was last above the limit, in the burst that goes on; null if none does.</summary>
    public DateTimeOffset? BurstAt { get; init; }

    /// <summary>When the last notification about it was made that has not been followed by "over".</summary>
    public DateTimeOffset? AnnouncedAt { get; init; }

    /// <summary>The notification that announced it first; null if none, or if it is over.</summary>
    public long? AnnouncedBy { get; init; }

    /// <summary>The versions of the application that its letters had.</summary>
    public IReadOnlySet<string> Versions { get; init; } = new HashSet<string>(StringComparer.Ordinal);
}

/// <summary>A change of the triage of a cause.</summary>
internal abstract record TriageChange
{
    private TriageChange()
    {
    }

    /// <summary>The word for the audit log and the history.</summary>
    public abstract string Verb { get; }

    /// <summary>What the audit log records beside the verb. Contains no free text.</summary>
    public virtual string Detail => "";

    /// <summary>What the history records beside the verb.</summary>
    public virtual string Text => Detail;

    public sealed record Acknowledge : TriageChange
    {
        public override string Verb => "acknowledge";
    }

    /// <summary>Takes an acknowledgement back.</summary>
    public sealed record Unacknowledge : TriageChange
    {
        public override string Verb => "unacknowledge";
    }

    public sealed record MuteUntil(DateTimeOffset Until) : TriageChange
    {
        public override string Verb => "mute";

        public override string Detail => string.Create(CultureInfo.InvariantCulture, $"until {Until.UtcDateTime:yyyy-MM-dd HH:mm} UTC");
    }

    public sealed record MuteUntilVersion(string Version) : TriageChange
    {
        public override string Verb => "mute";

        public override string Detail => $"until version {Version}";
    }

    public sealed record Unmute : TriageChange
    {
        public override string Verb => "unmute";
    }

    /// <summary>Replaces owner, note and link.</summary>
    public sealed record Describe(string Owner, string Note, string Link) : TriageChange
    {
        public override string Verb => "note";

        public override string Text => string.Join('\n', new[] { Owner.Length > 0 ? $"Owner: {Owner}" : "", Note, Link }.Where(part => part.Length > 0));
    }
}

/// <summary>One change in the history of a cause.</summary>
internal sealed record TriageEntry(DateTimeOffset At, string By, string Verb, string Text);
