using WorkinIt.Storage;

namespace WorkinIt.DeadLetters.Catalogue.Store;

/// <summary>What all changes of the catalogue need within their transaction.</summary>
/// <param name="statements">The statements of the transaction.</param>
/// <param name="now">The time of the change, in Unix milliseconds.</param>
internal class CatalogueChange(Statements statements, long now)
{
    protected Statements Statements => statements;

    protected long Now => now;

    /// <summary>Says to all readers that the catalogue has changed.</summary>
    public void Bump() => statements.Execute("UPDATE catalogue_state SET version = version + 1 WHERE id = 1");

    /// <summary>The number of a queue; null if the catalogue does not have it.</summary>
    public long? FindQueue(string source, string name) =>
        statements.Scalar<long?>("SELECT id FROM catalogue_queues WHERE source = @source AND name = @name", ("source", source), ("name", name));

    /// <summary>The number of a queue, and of its last walk; creates the queue.</summary>
    public (long Id, long Walk) Queue(string source, string name)
    {
        var found = statements.Row(
            """
            INSERT INTO catalogue_queues (source, name, input_queue, is_fed, problem, is_walking, walked, walk, removed) VALUES (@source, @name, '', 0, '', 0, 0, 0, 0)
            ON CONFLICT (source, name) DO UPDATE SET removed = 0
            RETURNING id, walk
            """,
            static row => new[] { row.GetInt64(0), row.GetInt64(1) }, ("source", source), ("name", name))!;
        return (found[0], found[1]);
    }

    /// <summary>The number of a queue that does not exist; creates it.</summary>
    protected long MissingQueue(string source, string name)
    {
        var (id, _) = Queue(source, name);
        statements.Execute("UPDATE catalogue_queues SET removed = 1 WHERE id = @id", ("id", id));
        return id;
    }

    /// <summary>A number that no identical letter has, wherever it is.</summary>
    protected long Free(long queue, long hash) =>
        statements.Scalar<long?>("SELECT max(number) FROM catalogue_letters WHERE queue_id = @queue AND hash = @hash", ("queue", queue), ("hash", hash)) + 1 ?? 0;

    /// <summary>Gives a kept letter another number, if it has this one. Which of identical letters has which number makes no difference.</summary>
    protected void MakeRoom(long queue, LetterId id) => statements.Execute(
        """
        UPDATE catalogue_letters SET number = (SELECT max(number) + 1 FROM catalogue_letters WHERE queue_id = @queue AND hash = @hash)
        WHERE queue_id = @queue AND hash = @hash AND number = @number AND state = 5
        """, ("queue", queue), ("hash", id.Hash), ("number", id.Number));

    /// <summary>The letter with the highest number among those that are there and identical.</summary>
    protected long? Highest(long queue, long hash) => statements.Scalar<long?>(
        "SELECT max(number) FROM catalogue_letters WHERE queue_id = @queue AND hash = @hash AND state = 0", ("queue", queue), ("hash", hash));
}
