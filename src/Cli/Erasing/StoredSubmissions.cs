using Dapper;
using WorkinIt.Deliveries;
using WorkinIt.Storage;

namespace WorkinIt.Cli.Erasing;

/// <summary>A person's submissions in Web's store.</summary>
internal sealed class StoredSubmissions(Database database)
{
    /// <summary>Finds their ids. Purged submissions have no address, and are not found.</summary>
    public IReadOnlyList<Guid> Find(Person person)
    {
        using var connection = database.Open();
        return [.. connection.Query<(string Id, string Email)>(
            "SELECT id, email FROM submissions WHERE email IS NOT NULL AND (recipient = @recipient OR recipient IS NULL)", // null: stored before that column existed
            new { recipient = Recipient.HashOf(person.Address) })
            .Where(row => person.Is(row.Email)) // two mailboxes may have the same hash
            .Select(row => Guid.ParseExact(row.Id, "N"))];
    }

    /// <summary>Deletes the rows.</summary>
    public void Remove(IReadOnlyCollection<Guid> ids)
    {
        using var connection = database.Open();
        foreach (var some in ids.Chunk(500))
            connection.Execute($"DELETE FROM submissions WHERE id {database.OneOf("@some")}", new { some = some.Select(id => id.ToString("N")).ToArray() });
    }
}
