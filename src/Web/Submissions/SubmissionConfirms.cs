using System.Data.Common;
using WorkinIt.Storage;

namespace WorkinIt.Web.Submissions;

/// <summary>Writes down what the broker has confirmed: all that comes while the last ones are written, by one statement.</summary>
internal sealed class SubmissionConfirms(Database database, GroupCommit writer, TimeProvider time)
{
    internal const string OneOfThese = "IN (SELECT value FROM json_each(@ids))";

    // "Not confirmed yet" is no condition: SQLite would go through all that are not, and not to these.
    private readonly string _sql = Sql(database.IsSqlite ? OneOfThese : "= ANY(@ids)");
    private readonly Lock _lock = new();
    private Batch? _open;

    /// <summary>Adds one to those that are written next. An event that was faster is not overwritten.</summary>
    /// <param name="id">The submission.</param>
    /// <returns>Ends when it is committed.</returns>
    /// <exception cref="DbException">It was not committed, and none of those written with it.</exception>
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
                    Close(batch); // its turn has come: who comes now waits for the next
                    return statements.Execute(
                        _sql, ("ids", Parameter(batch.Ids)), ("now", time.GetUtcNow().ToUnixTimeMilliseconds()),
                        ("accepted", (short)SubmissionState.Accepted), ("queued", (short)SubmissionState.Queued));
                },
                CancellationToken.None); // no one's wait ends that of the others; the database has deadlines of its own
        }
        finally
        {
            Close(batch); // its turn never came, where there is no connection
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
