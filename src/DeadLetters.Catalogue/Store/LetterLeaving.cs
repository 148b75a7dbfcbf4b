using WorkinIt.Storage;

namespace WorkinIt.DeadLetters.Catalogue.Store;

/// <summary>Marks letters that left, and deletes letters, within one transaction.</summary>
internal sealed class LetterLeaving(Statements statements, bool isSqlite, long now) : CatalogueChange(statements, now)
{
    /// <summary>Marks a letter as moved by an operation; does nothing if this move is recorded already, or no such letter is there.</summary>
    public void Move(long queue, LetterId id, LetterState state, string operation, string by, long at)
    {
        (string, object?)[] move =
        [
            ("queue", queue), ("hash", id.Hash), ("operation", operation), ("movedAs", id.Number), ("at", at), ("state", (short)state), ("by", by),
        ];
        if (Statements.Scalar<long?>(
            "SELECT min(id) FROM catalogue_letters WHERE queue_id = @queue AND hash = @hash AND operation = @operation AND moved_as = @movedAs AND left_at = @at", move) is not null)
            return;
        // A walk that ended before the operation reported its moves has marked them as gone. A discarded letter that was restored is in its queue, but no
        // copy of it has reached the feed.
        Statements.Execute(
            """
            UPDATE catalogue_letters SET state = @state, left_at = @at, operation = @operation, moved_as = @movedAs, moved_by = @by
            WHERE id = (SELECT id FROM catalogue_letters WHERE queue_id = @queue AND hash = @hash AND state IN (0, 2, 4, 5, 6) ORDER BY CASE WHEN state = 2 THEN 1 ELSE 0 END, state, number DESC LIMIT 1)
            """, move);
    }

    // A letter that a walk has read was there, and so were those up to the number at which the counts agreed.
    private const string Gone = "state = CASE WHEN from_walk = 0 AND id > (SELECT seen_to FROM catalogue_queues WHERE id = @queue) THEN 6 ELSE 4 END, left_at = @now";

    /// <summary>
    /// Marks the letters of a queue as gone that a walk has not seen. Of identical ones, those with the highest numbers. Letters that were being put
    /// back and are not in the queue are kept again.
    /// </summary>
    public int EndWalk(long queue, long walk)
    {
        Statements.Execute("UPDATE catalogue_letters SET operation = NULL WHERE queue_id = @queue AND state = 5 AND operation IS NOT NULL AND walk < @walk", ("queue", queue), ("walk", walk));
        return Statements.Execute(
            $"""
            UPDATE catalogue_letters SET {Gone} WHERE id IN (
              SELECT id FROM (
                SELECT id, row_number() OVER (PARTITION BY hash ORDER BY number DESC) AS place, sum(CASE WHEN walk < @walk THEN 1 ELSE 0 END) OVER (PARTITION BY hash) AS missing
                FROM catalogue_letters WHERE queue_id = @queue AND state = 0
                  AND hash IN (SELECT hash FROM catalogue_letters WHERE queue_id = @queue AND state = 0 AND walk < @walk)) AS identical
              WHERE place <= missing)
            """, ("now", Now), ("walk", walk), ("queue", queue));
    }

    /// <summary>Marks all letters of a queue as gone.</summary>
    public void RemoveQueue(long queue)
    {
        Statements.Execute($"UPDATE catalogue_letters SET {Gone} WHERE queue_id = @queue AND state = 0", ("now", Now), ("queue", queue));
        Statements.Execute("UPDATE catalogue_queues SET removed = 1, is_walking = 0, messages = NULL WHERE id = @queue", ("queue", queue));
    }

    /// <summary>Deletes a letter: of identical ones that are there, the one with the highest number, and all that left.</summary>
    public void Remove(long queue, LetterId id)
    {
        const string theirs = "queue_id = @queue AND hash = @hash AND (state <> 0 OR number = (SELECT max(number) FROM catalogue_letters WHERE queue_id = @queue AND hash = @hash AND state = 0))";
        Delete(theirs, ("queue", queue), ("hash", id.Hash));
    }

    /// <summary>Deletes a letter by its row.</summary>
    public void Remove(long id) => Delete("id = @id", ("id", id));

    /// <summary>Deletes letters that left before a time, up to a number.</summary>
    /// <returns>How many.</returns>
    public int Prune(long before, int most) =>
        Delete("id IN (SELECT id FROM catalogue_letters WHERE left_at < @before ORDER BY left_at, id LIMIT @most)", ("before", before), ("most", most));

    /// <summary>Deletes groups without letters, and queues that no longer exist and have none.</summary>
    public void RemoveUnused()
    {
        var removed = Statements.Execute(
            $"DELETE FROM catalogue_groups WHERE NOT EXISTS (SELECT 1 FROM catalogue_letters l WHERE {LetterColumns.AnyState} AND l.group_id = catalogue_groups.id)");
        removed += Statements.Execute("DELETE FROM catalogue_queues WHERE removed = 1 AND routes = '' AND NOT EXISTS (SELECT 1 FROM catalogue_groups g WHERE g.queue_id = catalogue_queues.id)");
        if (removed > 0)
            Statements.Execute("UPDATE catalogue_state SET groups_removed = groups_removed + 1 WHERE id = 1");
    }

    private int Delete(string which, params ReadOnlySpan<(string Name, object? Value)> parameters)
    {
        var keys = $"(SELECT id FROM catalogue_letters WHERE {which})";
        foreach (var letter in new[] { ("letter_hash", "queue"), ("new_hash", "new_queue") })
        {
            Statements.Execute(
                $"""
                DELETE FROM catalogue_replays WHERE id IN (SELECT r.id FROM catalogue_letters l JOIN catalogue_queues q ON q.id = l.queue_id
                  JOIN catalogue_replays r ON r.{letter.Item1} = l.hash AND r.{letter.Item2} = q.name AND r.source = q.source WHERE l.id IN {keys})
                """, parameters);
        }
        Statements.Execute($"DELETE FROM catalogue_bodies WHERE letter_id IN {keys}", parameters);
        Statements.Execute($"DELETE FROM catalogue_whole WHERE letter_id IN {keys}", parameters);
        Statements.Execute($"DELETE FROM catalogue_text WHERE {(isSqlite ? "rowid" : "letter_id")} IN {keys}", parameters);
        return Statements.Execute($"DELETE FROM catalogue_letters WHERE {which}", parameters);
    }
}
