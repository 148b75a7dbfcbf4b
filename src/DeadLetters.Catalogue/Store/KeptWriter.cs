using WorkinIt.Storage;

namespace WorkinIt.DeadLetters.Catalogue.Store;

/// <summary>
/// Writes what becomes of letters that failed while their queue was missing. A letter that is being put back has the operation's id: after a crash,
/// a walk finds it in the queue, or it is kept again. Each method is one transaction.
/// </summary>
internal sealed class KeptWriter(GroupCommit commits, TimeProvider time)
{
    /// <summary>The complete contents of letters that were not seen in their queues yet are limited to this; the oldest are deleted first. Bytes.</summary>
    public const long MostWaiting = 256L * 1024 * 1024;

    /// <summary>Queues have all letters of the catalogue up to a number. Deletes the complete contents that are no longer needed.</summary>
    public Task SeeAsync(string source, IReadOnlyCollection<string> queues, long newest, CancellationToken cancellationToken) => WriteAsync(statements =>
    {
        foreach (var queue in queues)
            statements.Execute("UPDATE catalogue_queues SET seen_to = @newest WHERE source = @source AND name = @name AND seen_to < @newest", ("newest", newest), ("source", source), ("name", queue));
        statements.Execute(
            """
            DELETE FROM catalogue_whole WHERE letter_id IN (
              SELECT w.letter_id FROM catalogue_whole w JOIN catalogue_letters l ON l.id = w.letter_id JOIN catalogue_queues q ON q.id = l.queue_id
              WHERE l.state IN (1, 2, 3) OR (l.state IN (0, 4) AND l.id <= q.seen_to))
            """);
        statements.Execute(
            """
            DELETE FROM catalogue_whole WHERE letter_id IN (
              SELECT letter_id FROM (SELECT w.letter_id, sum(l.size) OVER (ORDER BY w.letter_id DESC) AS total
                FROM catalogue_whole w JOIN catalogue_letters l ON l.id = w.letter_id WHERE l.state = 0) AS waiting
              WHERE total > @most)
            """, ("most", MostWaiting));
    }, cancellationToken);

    /// <summary>An operator wants letters to be put back: kept ones, and those that were never seen in their queue.</summary>
    /// <param name="source">The virtual host's name.</param>
    /// <param name="queue">The queue.</param>
    /// <param name="ids">The letters' ids.</param>
    /// <param name="by">The operator.</param>
    /// <param name="cancellationToken">Cancels the wait.</param>
    /// <returns>How many of them are going to be put back: those whose contents are kept.</returns>
    public Task<int> RequestAsync(string source, string queue, IReadOnlyList<string> ids, string by, CancellationToken cancellationToken) => commits.WriteAsync(statements =>
    {
        var change = new CatalogueChange(statements, Now);
        var count = 0;
        if (change.FindQueue(source, queue) is not { } number)
            return count;
        foreach (var id in ids)
        {
            if (LetterId.TryParse(id, out var letter))
            {
                count += statements.Execute(
                    """
                    UPDATE catalogue_letters SET state = 5, left_at = NULL, moved_by = @by
                    WHERE queue_id = @queue AND hash = @hash AND number = @number AND (state = 6 OR (state = 5 AND operation IS NULL))
                      AND (EXISTS (SELECT 1 FROM catalogue_bodies b WHERE b.letter_id = catalogue_letters.id) OR EXISTS (SELECT 1 FROM catalogue_whole w WHERE w.letter_id = catalogue_letters.id))
                    """,
                    ("by", by), ("queue", number), ("hash", letter.Hash), ("number", letter.Number));
            }
        }
        change.Bump();
        return count;
    }, cancellationToken, CatalogueWriter.Exclusive);

    /// <summary>An operator says that letters which were never seen in their queue were removed on purpose: they are gone like others, and can't be put back.</summary>
    /// <param name="source">The virtual host's name.</param>
    /// <param name="queue">The queue.</param>
    /// <param name="ids">The letters' ids.</param>
    /// <param name="by">The operator.</param>
    /// <param name="cancellationToken">Cancels the wait.</param>
    /// <returns>The MessageIds of those that were dismissed; for one without, the letter's id.</returns>
    public Task<IReadOnlyList<string>> DismissAsync(string source, string queue, IReadOnlyList<string> ids, string by, CancellationToken cancellationToken) => commits.WriteAsync<IReadOnlyList<string>>(statements =>
    {
        var (change, dismissed) = (new CatalogueChange(statements, Now), new List<string>());
        if (change.FindQueue(source, queue) is not { } number)
            return dismissed;
        foreach (var id in ids)
        {
            if (!LetterId.TryParse(id, out var letter))
                continue;
            var row = statements.Row(
                "UPDATE catalogue_letters SET state = 4, moved_by = @by WHERE queue_id = @queue AND hash = @hash AND number = @number AND state = 6 RETURNING id, message_id",
                static row => new Dismissed(row.GetInt64(0), LetterColumns.Text(row, 1)), ("by", by), ("queue", number), ("hash", letter.Hash), ("number", letter.Number));
            if (row is null)
                continue;
            statements.Execute("DELETE FROM catalogue_whole WHERE letter_id = @id", ("id", row.Key));
            dismissed.Add(row.MessageId ?? id);
        }
        change.Bump();
        return dismissed;
    }, cancellationToken, CatalogueWriter.Exclusive);

    /// <summary>Letters are about to be published. Gives each the id that a reader of the queue will find.</summary>
    /// <param name="source">The virtual host's name.</param>
    /// <param name="queue">The queue.</param>
    /// <param name="operation">The operation that puts them back.</param>
    /// <param name="letters">The letters' rows, and their hashes as they will be in the queue.</param>
    /// <param name="cancellationToken">Cancels the wait.</param>
    public Task BeginAsync(string source, string queue, string operation, IReadOnlyList<(long Key, ulong Hash)> letters, CancellationToken cancellationToken) => WriteAsync(statements =>
    {
        var returning = new LetterReturning(statements, Now);
        if (returning.FindQueue(source, queue) is not { } number)
            return;
        foreach (var (key, hash) in letters)
            returning.Begin(number, key, unchecked((long)hash), operation);
    }, cancellationToken);

    /// <summary>The broker has confirmed some letters, and refused others, which are kept.</summary>
    public Task EndAsync(IReadOnlyList<long> confirmed, IReadOnlyList<long> refused, CancellationToken cancellationToken) => WriteAsync(statements =>
    {
        var returning = new LetterReturning(statements, Now);
        foreach (var key in confirmed)
            returning.End(key);
        foreach (var key in refused)
            returning.Refuse(key);
        returning.Bump();
    }, cancellationToken);

    /// <summary>No copy of a message to a missing queue can come any more.</summary>
    public Task ForgetRoutesAsync(string source, string queue, CancellationToken cancellationToken) => WriteAsync(statements =>
        statements.Execute("UPDATE catalogue_queues SET routes = '' WHERE source = @source AND name = @name AND removed = 1", ("source", source), ("name", queue)), cancellationToken);

    private long Now => time.GetUtcNow().ToUnixTimeMilliseconds();

    private Task<bool> WriteAsync(Action<Statements> change, CancellationToken cancellationToken) => commits.WriteAsync(statements =>
    {
        change(statements);
        return true;
    }, cancellationToken, CatalogueWriter.Exclusive);

    private sealed record Dismissed(long Key, string? MessageId);

    /// <summary>Puts letters back within one transaction.</summary>
    private sealed class LetterReturning(Statements statements, long now) : CatalogueChange(statements, now)
    {
        // The numbers of letters in the queue and of those on their way are 0, 1, 2, … as a reader of the queue counts them.
        public void Begin(long queue, long key, long hash, string operation)
        {
            var number = Statements.Scalar<long>(
                "SELECT count(*) FROM catalogue_letters WHERE queue_id = @queue AND hash = @hash AND id <> @id AND (state = 0 OR (state = 5 AND operation IS NOT NULL))",
                ("queue", queue), ("hash", hash), ("id", key));
            (string, object?)[] values = [("queue", queue), ("hash", hash), ("number", number), ("id", key), ("operation", operation)];
            Statements.Execute(
                """
                UPDATE catalogue_letters SET number = (SELECT max(number) + 1 FROM catalogue_letters WHERE queue_id = @queue AND hash = @hash)
                WHERE queue_id = @queue AND hash = @hash AND number = @number AND id <> @id
                """, values);
            Statements.Execute("UPDATE catalogue_letters SET hash = @hash, number = @number, operation = @operation WHERE id = @id AND state = 5", values);
        }

        // As if a walk had read it: it was seen in its queue.
        public void End(long key) => Statements.Execute(
            """
            UPDATE catalogue_letters SET state = 0, from_walk = 1, operation = NULL, moved_by = NULL, walk = (SELECT walk FROM catalogue_queues q WHERE q.id = catalogue_letters.queue_id)
            WHERE id = @id AND state = 5
            """, ("id", key));

        public void Refuse(long key) => Statements.Execute("UPDATE catalogue_letters SET operation = NULL WHERE id = @id AND state = 5", ("id", key));
    }
}
