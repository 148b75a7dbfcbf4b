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

    /// <summary>Reads the entries that follow an entry, newest first: the next page.</summary>
    /// <param name="queue">The queue; null for all queues.</param>
    /// <param name="before">The id of the last entry of the page before. If the log does not have it, there is no next page.</param>
    /// <param name="limit">The maximum number of entries.</param>
    /// <param name="cancellationToken">Cancels the operation.</param>
    async Task<IReadOnlyList<AuditEntry>> ReadBeforeAsync(string? queue, string before, int limit, CancellationToken cancellationToken) =>
        [.. (await ReadAsync(queue, int.MaxValue, cancellationToken)).SkipWhile(entry => entry.Id != before).Skip(1).Take(limit)];

    /// <summary>Finds an entry; null if there is none with the id.</summary>
    /// <param name="id">The entry's id.</param>
    /// <param name="cancellationToken">Cancels the operation.</param>
    async Task<AuditEntry?> FindAsync(string id, CancellationToken cancellationToken) =>
        (await ReadAsync(null, int.MaxValue, cancellationToken)).FirstOrDefault(entry => entry.Id == id);

    /// <summary>Keeps the original messages of a repair. Called before the repaired messages are published, for up to a few hundred at a time.</summary>
    /// <param name="operation">The repair's id: that of its entry.</param>
    /// <param name="originals">The messages as they were. A message of which a later step fails is not moved, but kept here.</param>
    /// <param name="cancellationToken">Cancels the wait.</param>
    /// <exception cref="NotSupportedException">This log can't keep them, so no message is repaired.</exception>
    Task KeepOriginalsAsync(string operation, IReadOnlyList<OriginalMessage> originals, CancellationToken cancellationToken) =>
        throw new NotSupportedException($"{GetType().Name} does not implement {nameof(IAuditLog)}.{nameof(KeepOriginalsAsync)}");
}

/// <summary>A message before its repair.</summary>
/// <param name="Id">The dead letter's id.</param>
/// <param name="MessageId">Its MessageId; null if it has none.</param>
/// <param name="Json">The message as JSON in UTF-8, byte for byte. Contains personal data.</param>
public sealed record OriginalMessage(string Id, string? MessageId, ReadOnlyMemory<byte> Json);

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

    /// <summary>What the operator did: replay, copy, edit, repair, discard, discard as sent, restore, remove, export, import, put back, dismiss, reveal; for a cause: acknowledge, unacknowledge, mute, unmute, note; for a token of the HTTP API: make token, revoke token.</summary>
    public required string Verb { get; init; }

    /// <summary>The queue.</summary>
    public required string Queue { get; init; }

    /// <summary>The source of the queue, if the application has several: <see cref="DeadLetterOptions.Source"/>. Otherwise null.</summary>
    public string? Source { get; init; }

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

    /// <summary>For a replay: the outcomes, as in <c>173 failed again</c>; for a copy: where the copies went.</summary>
    public string Results { get; init; } = "";

    /// <summary>Messages that were published, but never confirmed or never acked; the next replay resolves them.</summary>
    public IReadOnlyList<Doubt> Doubts { get; init; } = [];

    /// <summary>For an edit: the message before the edit. Contains personal data.</summary>
    public string? Original { get; init; }

    /// <summary>For an edit: the message after the edit. Contains personal data.</summary>
    public string? Edited { get; init; }

    /// <summary>For a repair: the JSON Patch. The log keeps the original messages separately. May contain personal data.</summary>
    public string? Patch { get; init; }
}
