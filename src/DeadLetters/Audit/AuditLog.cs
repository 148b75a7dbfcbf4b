namespace WorkinIt.DeadLetters;

/// <summary>The audit log: who did what to the dead letters, and when.</summary>
public interface IAuditLog
{
    /// <summary>Writes an entry, or a newer version of one.</summary>
    /// <param name="entry">The entry. An entry with the same id replaces the earlier version.</param>
    /// <param name="cancellationToken">Cancels the wait.</param>
    Task WriteAsync(AuditEntry entry, CancellationToken cancellationToken);

    /// <summary>Reads the newest entries, newest first.</summary>
    /// <param name="queue">The queue; null for all queues.</param>
    /// <param name="limit">The maximum number of entries.</param>
    /// <param name="cancellationToken">Cancels the operation.</param>
    Task<IReadOnlyList<AuditEntry>> ReadAsync(string? queue, int limit, CancellationToken cancellationToken);
}

/// <summary>One operation in the audit log.</summary>
public sealed record AuditEntry
{
    /// <summary>How many messages an entry lists at most. The moved messages all have the entry's id in a header.</summary>
    public const int NamedMessages = 1000;

    /// <summary>The operation's id; replayed messages have it in their <c>Replay-Id</c> header.</summary>
    public required string Id { get; init; }

    /// <summary>When the operation began.</summary>
    public required DateTimeOffset At { get; init; }

    /// <summary>The operator.</summary>
    public required string By { get; init; }

    /// <summary>What the operator did: replay, edit, discard, discard as sent, restore, remove, export, import, reveal; for a cause: acknowledge, unacknowledge, mute, unmute, note.</summary>
    public required string Verb { get; init; }

    /// <summary>The queue.</summary>
    public required string Queue { get; init; }

    /// <summary>The filter that selected the messages.</summary>
    public string Filter { get; init; } = "";

    /// <summary>When the operation ended; null while it runs, and permanently if its process was killed. While it is null, the counts are not known.</summary>
    public DateTimeOffset? EndedAt { get; init; }

    /// <summary>How many messages were selected.</summary>
    public long Selected { get; init; }

    /// <summary>How many messages were processed.</summary>
    public long Done { get; init; }

    /// <summary>How many messages were refused, and stayed where they were.</summary>
    public long Refused { get; init; }

    /// <summary>Why the operation ended early; empty if it completed.</summary>
    public string Problem { get; init; } = "";

    /// <summary>The MessageIds (for a message without one, the dead letter's id), up to <see cref="NamedMessages"/>.</summary>
    public IReadOnlyList<string> Messages { get; init; } = [];

    /// <summary>For a replay: the outcomes, as in <c>173 failed again</c>.</summary>
    public string Results { get; init; } = "";

    /// <summary>Messages that were published, but never confirmed or never acked; the next replay resolves them.</summary>
    public IReadOnlyList<Doubt> Doubts { get; init; } = [];

    /// <summary>For an edit: the message before the edit. Contains personal data.</summary>
    public string? Original { get; init; }

    /// <summary>For an edit: the message after the edit. Contains personal data.</summary>
    public string? Edited { get; init; }
}
