using System.Data.Common;
using Dapper;
using WorkinIt.Deliveries;
using WorkinIt.Storage;

namespace WorkinIt.Cli.Erasing;

/// <summary>A person's submissions in Web's store.</summary>
internal sealed class StoredSubmissions(Database database)
{
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

    /// <summary>Removes them, rows and all.</summary>
    /// <returns>How many.</returns>
    public int Remove(IReadOnlyCollection<Guid> ids)
    {
        if (ids.Count == 0)
            return 0;
        using var connection = database.Open();
        if (database.IsSqlite)
            connection.Execute("PRAGMA secure_delete = ON"); // else the file keeps the text until its place is needed
        var removed = ids.Chunk(500).Sum(some => connection.Execute($"DELETE FROM submissions WHERE id {database.OneOf("@some")}", new { some = some.Select(id => id.ToString("N")).ToArray() }));
        for (var tries = 0; database.IsSqlite && tries < 50 && !IsLogEmptied(connection); tries++) // it keeps the text too
            Thread.Sleep(100);
        return removed;
    }

    // Not while somebody reads.
    private static bool IsLogEmptied(DbConnection connection) => connection.QuerySingle<(long Busy, long Pages, long Moved)>("PRAGMA wal_checkpoint(TRUNCATE)").Busy == 0;
}
