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

    /// <summary>The letter with the highest number among those that are there and identical.</summary>
    protected long? Highest(long queue, long hash) => statements.Scalar<long?>(
        "SELECT max(number) FROM catalogue_letters WHERE queue_id = @queue AND hash = @hash AND state = 0", ("queue", queue), ("hash", hash));
}
