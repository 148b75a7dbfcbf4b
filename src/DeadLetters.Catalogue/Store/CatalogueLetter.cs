namespace WorkinIt.DeadLetters.Catalogue.Store;

/// <summary>Where a letter of the catalogue is.</summary>
internal enum LetterState
{
    /// <summary>In its dead-letter queue.</summary>
    There = 0,

    /// <summary>Replayed by us.</summary>
    Replayed = 1,

    /// <summary>Discarded by us; it is in the <c>_discarded</c> queue, which lists it too.</summary>
    Discarded = 2,

    /// <summary>Restored by us from a <c>_discarded</c> queue.</summary>
    Restored = 3,

    /// <summary>Left its queue in another way: expired, purged, moved by another tool.</summary>
    Gone = 4,

    /// <summary>Its queue was missing when it failed, so this copy is the only one. It is put back when the queue exists again.</summary>
    Kept = 5,

    /// <summary>Gone like <see cref="Gone"/>, and never seen in its queue: lost while the queue did not exist, or removed by others within seconds.</summary>
    Unseen = 6,
}

/// <summary>A letter to add.</summary>
/// <param name="Letter">The letter. From a walk, its id has the right number among identical letters; from the feed, the store gives it one.</param>
/// <param name="Redelivered">Whether the broker delivered this copy before: then it may be in the catalogue already.</param>
/// <param name="IsKept">Whether its queue is missing, so that this copy is the only one.</param>
internal sealed record NewLetter(DeadLetter Letter, bool Redelivered, bool IsKept = false);

/// <summary>A letter whose queue was missing, to be put back.</summary>
/// <param name="Key">Its row.</param>
/// <param name="Letter">The letter; null if its contents could not be kept.</param>
internal sealed record KeptLetter(long Key, DeadLetter? Letter);

/// <summary>A letter as the catalogue keeps it. Contains personal data: its reason, and its MessageId if the application puts an address there.</summary>
internal sealed record CatalogueLetter
{
    public required long Key { get; init; }

    public required string Source { get; init; }

    public required string Queue { get; init; }

    /// <summary>The dead letter's id, as in <see cref="DeadLetter.Id"/>.</summary>
    public required string Id { get; init; }

    public string? MessageId { get; init; }

    public string? MessageType { get; init; }

    public string? ExceptionType { get; init; }

    public required string CauseId { get; init; }

    /// <summary>The reason, not masked.</summary>
    public required string Reason { get; init; }

    public string? Consumer { get; init; }

    public string? Host { get; init; }

    /// <summary>The version of the application's assembly that failed (<c>MT-Host-AssemblyVersion</c>).</summary>
    public string? Version { get; init; }

    /// <summary>When it failed; when it was added to the catalogue, if it does not say.</summary>
    public required DateTimeOffset At { get; init; }

    /// <summary>The size of the body, in bytes.</summary>
    public required long Size { get; init; }

    public required LetterState State { get; init; }

    /// <summary>When it left its queue.</summary>
    public DateTimeOffset? LeftAt { get; init; }

    /// <summary>The operation that moved it.</summary>
    public string? Operation { get; init; }

    /// <summary>The operator of that operation.</summary>
    public string? By { get; init; }

    /// <summary>How often it was replayed before it failed.</summary>
    public int Replays { get; init; }
}

/// <summary>A dead-letter queue as the catalogue knows it.</summary>
internal sealed record CatalogueQueue
{
    public required string Source { get; init; }

    public required string Name { get; init; }

    public required string InputQueue { get; init; }

    /// <summary>Whether copies of its letters come to the feed.</summary>
    public bool IsFed { get; init; }

    /// <summary>Why it is not fed, or what is wrong, for an operator; empty if nothing.</summary>
    public string Problem { get; init; } = "";

    /// <summary>How many letters the broker says are in it; null if not known.</summary>
    public long? Messages { get; init; }

    /// <summary>How many letters the catalogue has in it.</summary>
    public long Letters { get; init; }

    /// <summary>Whether it is being walked, and how many letters the walk has read so far.</summary>
    public bool IsWalking { get; init; }

    public long Walked { get; init; }

    /// <summary>When it was last read from its head to its end; null if never.</summary>
    public DateTimeOffset? WalkedAt { get; init; }

    /// <summary>How many letters are kept in the catalogue, because the queue was missing when they failed.</summary>
    public long Kept { get; init; }

    /// <summary>How many of its letters are gone and were never seen in it.</summary>
    public long Unseen { get; init; }

    /// <summary>Whether the queue does not exist; it is listed because of the letters that are kept.</summary>
    public bool IsMissing { get; init; }

    /// <summary>The bindings that lead to it, as <see cref="Feed.FormerRoutes"/> writes them.</summary>
    public string Routes { get; init; } = "";

    /// <summary>When the last host stopped and removed the feed's bindings; null unless the catalogue knew all letters then.</summary>
    public DateTimeOffset? UnboundAt { get; init; }

    /// <summary>Whether the catalogue knows all its letters: it was walked, and the counts agree.</summary>
    public bool IsComplete => WalkedAt is not null && !IsWalking && Messages == Letters;
}
