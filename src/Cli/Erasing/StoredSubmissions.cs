using System.Data.Common;
using Dapper;
using WorkinIt.Deliveries;
using WorkinIt.Storage;

namespace WorkinIt.Cli.Erasing;

/// <summary>A person's submissions in Web's store.</summary>
internal sealed class StoredSubmissions(Database database)
{
    private const long LargestToWriteAnew = 1L << 30; // bytes: 6 s, and Web waits for 10

    /// <summary>Finds them. What was purged already names nobody, and is not found.</summary>
    public IReadOnlyList<Guid> Find(Person person)
    {
        using var connection = database.Open();
        return [.. connection.Query<(string Id, string Email)>(
            "SELECT id, email FROM submissions WHERE email IS NOT NULL AND (recipient = @recipient OR recipient IS NULL)", // null: from before there was that column
            new { recipient = Recipient.HashOf(person.Address) })
            .Where(row => person.Is(row.Email)) // two mailboxes may have one hash
            .Select(row => Guid.ParseExact(row.Id, "N"))];
    }

    /// <summary>Removes them, rows and all; and on SQLite all copies of them in the file, those of an earlier call too.</summary>
    /// <returns>Null, or why there may be copies left, and what to do.</returns>
    public string? Remove(IReadOnlyCollection<Guid> ids)
    {
        using var connection = database.Open();
        foreach (var some in ids.Chunk(500))
            connection.Execute($"DELETE FROM submissions WHERE id {database.OneOf("@some")}", new { some = some.Select(id => id.ToString("N")).ToArray() });
        return database.IsSqlite ? Overwrite(connection) : null;
    }

    // A page that was once split keeps a copy of what moved to the other one, even with secure_delete: only a file that is written anew has none.
    // And the log has what went through it, until it is emptied, which can't be while somebody reads.
    private static string? Overwrite(DbConnection connection)
    {
        if (connection.QuerySingle<long>("SELECT page_count * page_size FROM pragma_page_count, pragma_page_size") > LargestToWriteAnew)
            return "Web's SQLite file is over 1 GiB, and Web would have to wait for more than 10 s while it is written anew. Copies of what was removed may be left in it: "
                + "at a quiet time run VACUUM and then PRAGMA wal_checkpoint(TRUNCATE) on it";
        try
        {
            connection.Execute("VACUUM");
            for (var tries = 0; tries < 50; tries++)
            {
                if (connection.QuerySingle<(long Busy, long Pages, long Moved)>("PRAGMA wal_checkpoint(TRUNCATE)").Busy == 0)
                    return null;
                Thread.Sleep(100);
            }
        }
        catch (DbException)
        {
            // Somebody writes all the time, or the disk has no room for a second copy.
        }
        return "Copies of what was removed may be left in Web's SQLite file, which is too busy, or its disk too full, to be written anew: run this once more";
    }
}
