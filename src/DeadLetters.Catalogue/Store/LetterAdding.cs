using WorkinIt.DeadLetters.Catalogue.Replays;
using WorkinIt.Storage;

namespace WorkinIt.DeadLetters.Catalogue.Store;

/// <summary>Adds letters within one transaction.</summary>
internal sealed class LetterAdding(Statements statements, GroupCache cache, long now) : CatalogueChange(statements, now)
{
    // A letter that arrives while its queue is walked may be read by the walk first, and its copy comes later.
    private static readonly long _copyFollows = (long)TimeSpan.FromMinutes(10).TotalMilliseconds;

    private readonly Dictionary<string, (long Id, long Walk)> _queues = [];
    private readonly Dictionary<(long Queue, LetterGroup Group), long> _groups = [];

    /// <summary>The groups that were needed, to be kept when the transaction is committed.</summary>
    public IReadOnlyDictionary<(long Queue, LetterGroup Group), long> Groups => _groups;

    /// <summary>How often groups were removed from the database before this transaction.</summary>
    public long Removals { get; } = statements.Scalar<long>("SELECT groups_removed FROM catalogue_state WHERE id = 1");

    /// <summary>Adds a copy from the feed.</summary>
    public void Add(string source, LetterRow row)
    {
        if (row.IsKept)
        {
            Keep(FindQueue(source, row.Queue) ?? MissingQueue(source, row.Queue), row);
            return;
        }
        if (!_queues.TryGetValue(row.Queue, out var queue))
            _queues.Add(row.Queue, queue = Queue(source, row.Queue));
        if (!Insert(queue.Id, row, row.Id with { Number = 0 }, queue.Walk, fromWalk: false))
            AddIdentical(queue.Id, row, queue.Walk);
    }

    /// <summary>Adds a letter of a walk, or marks it as seen.</summary>
    public void AddWalked(long queue, long walk, LetterRow row)
    {
        (string, object?)[] name = [("queue", queue), ("hash", row.Id.Hash), ("number", row.Id.Number), ("walk", walk)];
        if (Statements.Execute("UPDATE catalogue_letters SET walk = @walk WHERE queue_id = @queue AND hash = @hash AND number = @number AND state = 0", name) == 0
            && !ComeBack(queue, row.Id, walk))
            Insert(queue, row, row.Id, walk, fromWalk: true);
    }

    /// <summary>Shows a walk's progress.</summary>
    public void CountWalked(long queue, int count) => Statements.Execute("UPDATE catalogue_queues SET walked = walked + @count WHERE id = @id", ("count", count), ("id", queue));

    // Its queue is missing, so no reader of the queue gives it a number.
    private void Keep(long queue, LetterRow row)
    {
        if (!row.Redelivered || !IsKnown(queue, row))
            Insert(queue, row, row.Id with { Number = Free(queue, row.Id.Hash) }, walk: 0, fromWalk: false);
    }

    private void AddIdentical(long queue, LetterRow row, long walk)
    {
        if (WasWalked(queue, row) || (row.Redelivered && IsKnown(queue, row)))
            return;
        var next = row.Id with { Number = Highest(queue, row.Id.Hash) + 1 ?? 0 };
        MakeRoom(queue, next);
        if (!ComeBack(queue, next, walk))
            Insert(queue, row, next, walk, fromWalk: false);
    }

    // Whether a walk has just read it; then its copy follows once.
    private bool WasWalked(long queue, LetterRow row)
    {
        (string, object?)[] name = [("queue", queue), ("hash", row.Id.Hash), ("since", Now - _copyFollows)];
        if (Statements.Scalar<long?>("SELECT min(id) FROM catalogue_letters WHERE queue_id = @queue AND hash = @hash AND from_walk = 1 AND added_at >= @since", name) is not { } walked)
            return false;
        Statements.Execute("UPDATE catalogue_letters SET from_walk = 0 WHERE id = @id", ("id", walked));
        return true;
    }

    private bool IsKnown(long queue, LetterRow row) => Statements.Scalar<long?>(
        "SELECT min(id) FROM catalogue_letters WHERE queue_id = @queue AND hash = @hash AND state IN (0, 5, 6)", ("queue", queue), ("hash", row.Id.Hash)) is not null;

    /// <returns>False if the catalogue does not have the letter.</returns>
    private bool ComeBack(long queue, LetterId id, long walk) => Statements.Execute(
        """
        UPDATE catalogue_letters SET walk = @walk, state = 0, left_at = NULL, operation = NULL, moved_as = NULL, moved_by = NULL
        WHERE queue_id = @queue AND hash = @hash AND number = @number
        """, ("walk", walk), ("queue", queue), ("hash", id.Hash), ("number", id.Number)) > 0;

    /// <returns>False if the name is taken.</returns>
    private bool Insert(long queue, LetterRow row, LetterId id, long walk, bool fromWalk)
    {
        var key = Statements.Scalar<long?>(
            """
            INSERT INTO catalogue_letters (queue_id, hash, number, group_id, state, at, added_at, size, replays, walk, from_walk, indexed, message_id, reason, host)
            VALUES (@queue, @hash, @number, @group, @state, @at, @now, @size, @replays, @walk, @fromWalk, 0, @messageId, @reason, @host)
            ON CONFLICT (queue_id, hash, number) DO NOTHING
            RETURNING id
            """,
            ("queue", queue), ("hash", id.Hash), ("number", id.Number), ("group", Group(queue, row)), ("at", row.At ?? Now), ("now", Now), ("size", row.Size),
            ("replays", row.Replays), ("walk", walk), ("fromWalk", fromWalk ? 1 : 0), ("messageId", row.MessageId), ("reason", row.Reason), ("host", row.Host), ("state", (short)(row.IsKept ? LetterState.Kept : LetterState.There)));
        if (key is not null && row.Contents is not null)
            Statements.Execute("INSERT INTO catalogue_bodies (letter_id, contents) VALUES (@id, @contents)", ("id", key), ("contents", row.Contents));
        if (key is not null && row.ReplayId is { } replay)
        {
            new ReplayWriting(Statements, Now).Failed(
                replay, row.IsSkipped ? Outcome.Skipped : Outcome.FailedAgain, row.Queue, id, adds: !fromWalk && (row.At is not { } at || Now - at < _copyFollows));
        }
        if (key is not null && row.Whole is { } whole)
            Statements.Execute("INSERT INTO catalogue_whole (letter_id, head, body) VALUES (@id, @head, @body)", ("id", key), ("head", whole.Head), ("body", whole.Body));
        return key is not null;
    }

    private long Group(long queue, LetterRow row)
    {
        if (_groups.TryGetValue((queue, row.Group), out var id))
            return id;
        id = cache.Find(queue, row.Group, Removals) ?? Statements.Scalar<long>(
            """
            INSERT INTO catalogue_groups (digest, queue_id, cause, exception, text, frame, types, consumer, version)
            VALUES (@digest, @queue, @cause, @exception, @text, @frame, @types, @consumer, @version)
            ON CONFLICT (digest) DO UPDATE SET queue_id = catalogue_groups.queue_id
            RETURNING id
            """,
            ("digest", row.Group.Digest(queue)), ("queue", queue), ("cause", row.Group.Cause), ("exception", row.Group.Exception), ("text", LetterRow.Name(row.Cause.Text)),
            ("frame", LetterRow.Name(row.Cause.Frame)), ("types", row.Group.Types), ("consumer", row.Group.Consumer), ("version", row.Group.Version));
        _groups.Add((queue, row.Group), id);
        return id;
    }
}
