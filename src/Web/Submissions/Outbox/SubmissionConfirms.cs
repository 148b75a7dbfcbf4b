using System.Data.Common;
using WorkinIt.Storage;

namespace WorkinIt.Web.Submissions;

/// <summary>Records the broker's confirms in batches: all that arrive while a batch is being written go into the next one, a single statement.</summary>
internal sealed class SubmissionConfirms(Database database, GroupCommit writer, TimeProvider time)
{
    internal const string OneOfThese = "IN (SELECT value FROM json_each(@ids))";

    // No "confirmed_at IS NULL" here: SQLite would then scan all unconfirmed submissions instead of looking up these ids.
    private readonly string _sql = Sql(database.IsSqlite ? OneOfThese : "= ANY(@ids)");
    private readonly Lock _lock = new();
    private Batch? _open;

    /// <summary>Adds a submission to the next batch. A newer state, from an event that arrived earlier than the confirm, is not overwritten.</summary>
    /// <param name="id">The submission.</param>
    /// <returns>A task that completes when it is committed.</returns>
    /// <exception cref="DbException">The batch was not committed.</exception>
    public Task AddAsync(Guid id)
    {
        lock (_lock)
        {
            var batch = _open ??= new Batch();
            batch.Ids.Add(SubmissionStore.Key(id));
            return batch.Written ??= WriteAsync(batch);
        }
    }

    internal static string Sql(string oneOfThese) => $"""
        UPDATE submissions SET confirmed_at = COALESCE(confirmed_at, @now), state = CASE WHEN state = @accepted THEN @queued ELSE state END
        WHERE id {oneOfThese}
        """;

    private async Task WriteAsync(Batch batch)
    {
        try
        {
            await writer.WriteAsync(
                statements =>
                {
                    Close(batch); // being written now: later ids go into the next batch
                    return statements.Execute(
                        _sql, ("ids", Parameter(batch.Ids)), ("now", time.GetUtcNow().ToUnixTimeMilliseconds()),
                        ("accepted", (short)SubmissionState.Accepted), ("queued", (short)SubmissionState.Queued));
                },
                CancellationToken.None); // one caller must not cancel the others' write; the database has its own timeouts
        }
        finally
        {
            Close(batch); // if there was no connection, the delegate above did not run
        }
    }

    private object Parameter(List<string> ids) => database.IsSqlite ? $"[\"{string.Join("\",\"", ids)}\"]" : ids.ToArray();

    private void Close(Batch batch)
    {
        lock (_lock)
        {
            if (_open == batch)
                _open = null;
        }
    }

    private sealed class Batch
    {
        public List<string> Ids { get; } = [];
        public Task? Written { get; set; }
    }
}
