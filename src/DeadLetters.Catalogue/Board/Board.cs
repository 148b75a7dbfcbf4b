using WorkinIt.DeadLetters.Catalogue.Store;

namespace WorkinIt.DeadLetters.Catalogue;

/// <summary>What the letters that a query selects have in common.</summary>
internal sealed record Board
{
    /// <summary>The version of the catalogue that it shows, or a later one.</summary>
    public long Version { get; init; }

    /// <summary>How many letters there are.</summary>
    public required long Letters { get; init; }

    /// <summary>The causes, the largest first.</summary>
    public required IReadOnlyList<BoardCause> Causes { get; init; }

    /// <summary>The queues that hold the letters, the fullest first.</summary>
    public required IReadOnlyList<QueueCount> Queues { get; init; }

    /// <summary>All queues of all sources, whatever the query selects, at the same moment as the rest; those with letters first.</summary>
    public IReadOnlyList<CatalogueQueue> AllQueues { get; init; } = [];

    /// <summary>Failures over time, whatever became of the letters since: one number for each step from <see cref="From"/>.</summary>
    public required IReadOnlyList<long> Histogram { get; init; }

    /// <summary>The beginning of the histogram; a multiple of <see cref="Step"/>.</summary>
    public required DateTimeOffset From { get; init; }

    /// <summary>The width of a step of the histogram and of the sparklines.</summary>
    public required TimeSpan Step { get; init; }

    /// <summary>When the oldest letter that is there failed; null if there is none.</summary>
    public DateTimeOffset? Oldest { get; init; }

    /// <summary>Failures in the last 5 minutes, per minute.</summary>
    public double PerMinute { get; init; }
}

/// <summary>The letters of one cause.</summary>
internal sealed record BoardCause
{
    public required Cause Cause { get; init; }

    /// <summary>How many letters are there.</summary>
    public required long Count { get; init; }

    public required DateTimeOffset First { get; init; }

    public required DateTimeOffset Last { get; init; }

    /// <summary>Failures over time, in the steps of the board.</summary>
    public required IReadOnlyList<long> Sparkline { get; init; }

    /// <summary>The queues that hold its letters, the fullest first.</summary>
    public required IReadOnlyList<QueueCount> Queues { get; init; }

    public required IReadOnlyList<string> MessageTypes { get; init; }

    public required IReadOnlyList<string> Versions { get; init; }

    /// <summary>How many of its letters were replayed before they failed again.</summary>
    public long FailedAgain { get; init; }

    /// <summary>The newest letter of the cause: its source, queue and id.</summary>
    public required LetterAddress Example { get; init; }
}

/// <summary>How many letters a queue holds.</summary>
internal sealed record QueueCount(string Source, string Queue, long Count);

/// <summary>Where a letter is.</summary>
internal sealed record LetterAddress(string Source, string Queue, string Id);
