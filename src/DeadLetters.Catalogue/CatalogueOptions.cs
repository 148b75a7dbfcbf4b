using WorkinIt.Storage;

namespace WorkinIt.DeadLetters.Catalogue;

/// <summary>The settings of the catalogue.</summary>
public sealed record CatalogueOptions
{
    /// <summary>The queue that receives the copies of dead letters.</summary>
    public const string FeedQueue = FeedNotice.Queue;

    /// <summary>A SQLite file (<c>Data Source=dead-letters.db</c>) or a PostgreSQL database (<c>Host=…;Database=…;Username=…;Password=…</c>).</summary>
    public required Database Database { get; init; }

    /// <summary>
    /// The name of the default source, which is the virtual host of <c>AddDeadLetters</c>; null: the virtual host's own name. Two brokers that share
    /// a catalogue need two names.
    /// </summary>
    public string? Source { get; init; }

    /// <summary>Whether the catalogue keeps bodies. Without them, a text filter searches the reasons only, and a letter's page reads the letter from its queue.</summary>
    public bool Bodies { get; init; } = true;

    /// <summary>The longest body that is kept, in bytes. A longer one is read from its queue.</summary>
    public int LargestBody { get; init; } = 64 * 1024;

    /// <summary>How long the catalogue keeps a letter that has left its queue: 30 days by default. More than zero.</summary>
    public TimeSpan Retention { get; init; } = TimeSpan.FromDays(30);

    /// <summary>How often the catalogue looks for new queues and compares its counts with the broker's.</summary>
    public TimeSpan CheckInterval { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>Whether this host may feed the catalogue. False in tests that fill it themselves.</summary>
    internal bool IsFed { get; init; } = true;

    /// <summary>Whether the last host removes the feed's bindings when it stops. False in tests that stop a host as a crash does.</summary>
    internal bool UnbindsAtStop { get; init; } = true;
}
