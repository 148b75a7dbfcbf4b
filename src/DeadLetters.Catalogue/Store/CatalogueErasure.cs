using Dapper;
using WorkinIt.Storage;

namespace WorkinIt.DeadLetters.Catalogue.Store;

/// <summary>
/// Deletes what the catalogue keeps of one person's messages, wherever they are now. Reads all letters, so it takes seconds for 100,000. Letters
/// that are still in their queue are found in the queue by its own erasure; the catalogue is corrected from there.
/// </summary>
internal sealed class CatalogueErasure(Database database)
{
    private const int ReadAtOnce = 100; // complete contents may have megabytes
    private const long LargestToRewrite = 400L << 20; // bytes: rewriting takes about 2 s, and the feed waits meanwhile

    /// <summary>Deletes the letters of a person.</summary>
    /// <param name="concerns">Whether a letter is theirs: the letter, and its reason. The letter is null if its contents are not kept.</param>
    /// <param name="queues">Only letters of queues whose name starts with one of these.</param>
    /// <param name="dryRun">Whether to count only, without deleting.</param>
    /// <param name="cancellationToken">Cancels the operation between two groups of letters. It can be run again.</param>
    /// <returns>How many letters were deleted, or would be.</returns>
    /// <exception cref="System.Data.Common.DbException">The database is unreachable, or has no catalogue.</exception>
    public async Task<long> RunAsync(Func<DeadLetter?, string, bool> concerns, IReadOnlyCollection<string> queues, bool dryRun, CancellationToken cancellationToken)
    {
        await using var commits = new GroupCommit(database);
        long count = 0, last = 0;
        while (Read(last) is { Count: > 0 } letters)
        {
            cancellationToken.ThrowIfCancellationRequested();
            last = letters[^1].Id;
            long[] theirs = [.. letters.Where(letter => queues.Any(prefix => letter.Queue.StartsWith(prefix, StringComparison.Ordinal)) && letter.IsAbout(concerns)).Select(letter => letter.Id)];
            count += theirs.Length;
            if (theirs.Length > 0 && !dryRun)
                await DeleteAsync(commits, theirs, cancellationToken);
        }
        return count;
    }

    /// <summary>Removes all copies of deleted letters from a SQLite file and its log.</summary>
    /// <returns>Null on success; otherwise why copies are left.</returns>
    public CopiesLeft? Overwrite() => database.WriteAnew(LargestToRewrite);

    private List<StoredRow> Read(long last) => database.Read(statements =>
    {
        var rows = new List<StoredRow>(ReadAtOnce);
        using var reader = statements.Connection.ExecuteReader(
            """
            SELECT l.id, q.name, l.hash, l.number, l.reason, b.contents, w.head, w.body
            FROM catalogue_letters l JOIN catalogue_queues q ON q.id = l.queue_id
            LEFT JOIN catalogue_bodies b ON b.letter_id = l.id LEFT JOIN catalogue_whole w ON w.letter_id = l.id
            WHERE l.id > @last ORDER BY l.id LIMIT @most
            """, new { last, most = ReadAtOnce });
        while (reader.Read())
        {
            rows.Add(new StoredRow(
                reader.GetInt64(0), reader.GetString(1), new LetterId(reader.GetInt64(2), reader.GetInt64(3)), reader.GetString(4), reader.IsDBNull(5) ? null : (byte[])reader.GetValue(5),
                reader.IsDBNull(6) ? null : new WholeLetter((byte[])reader.GetValue(6), (byte[])reader.GetValue(7))));
        }
        return rows;
    });

    private Task<int> DeleteAsync(GroupCommit commits, long[] ids, CancellationToken cancellationToken) => commits.WriteAsync(statements =>
    {
        var leaving = new LetterLeaving(statements, database.IsSqlite, DateTimeOffset.UtcNow.ToUnixTimeMilliseconds());
        foreach (var id in ids)
            leaving.Remove(id);
        leaving.RemoveUnused();
        leaving.Bump();
        return ids.Length;
    }, cancellationToken, CatalogueWriter.Exclusive);

    private sealed record StoredRow(long Id, string Queue, LetterId Name, string Reason, byte[]? Contents, WholeLetter? Whole)
    {
        public bool IsAbout(Func<DeadLetter?, string, bool> concerns) => concerns(Contents is not null ? LetterContents.Read(Contents, Queue, Name) : Whole is not null ? LetterContents.Read(Whole, Queue, Name) : null, Reason);
    }
}
