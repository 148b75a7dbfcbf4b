using WorkinIt.Storage;

namespace WorkinIt.DeadLetters.Catalogue.Audit;

/// <summary>
/// Erases what people typed from the audit entries about one person, and the original messages of repairs, as <see cref="AuditFile.EraseAsync"/> does in
/// a file. It keeps what was done, when, by whom and to which ids. Copies may be left in free space of a SQLite file until it is rewritten.
/// </summary>
internal sealed class AuditErasure(Database database)
{
    private const int ReadAtOnce = 500;

    /// <summary>Erases.</summary>
    /// <param name="concerns">Returns whether a text, JSON or not, is about the person.</param>
    /// <param name="dryRun">Whether to count only, without erasing.</param>
    /// <param name="cancellationToken">Cancels between two entries. It can be run again.</param>
    /// <returns>How many entries were erased, or would be.</returns>
    /// <exception cref="System.Data.Common.DbException">The database is unreachable, or has no audit log.</exception>
    public async Task<int> RunAsync(Func<string, bool> concerns, bool dryRun, CancellationToken cancellationToken)
    {
        await using var commits = new GroupCommit(database);
        var ids = new HashSet<string>();
        await EraseOriginalsAsync(commits, concerns, dryRun, ids, cancellationToken);
        var last = "";
        while (Read(last) is { Count: > 0 } rows)
        {
            last = rows[^1].Id;
            foreach (var row in rows.Where(row => ErasedOf(row.Json, concerns) is not null))
            {
                ids.Add(row.Id);
                if (!dryRun)
                    await EraseAsync(commits, row.Id, concerns, cancellationToken);
            }
            cancellationToken.ThrowIfCancellationRequested();
        }
        return ids.Count;
    }

    private async Task EraseOriginalsAsync(GroupCommit commits, Func<string, bool> concerns, bool dryRun, HashSet<string> ids, CancellationToken cancellationToken)
    {
        long after = 0;
        while (database.Read(statements => AuditOriginals.Next(statements, after)) is { } row)
        {
            after = row.Id;
            List<string?> lines = [.. row.Lines.Select(line => OriginalLines.Erase(line, concerns))];
            if (lines.SequenceEqual(row.Lines))
                continue;
            ids.Add(row.Operation);
            if (!dryRun)
                await commits.WriteAsync(statements => AuditOriginals.Replace(statements, row.Id, lines.OfType<string>()), cancellationToken); // rows are not changed otherwise
        }
    }

    // The operation may end meanwhile, and write its entry: then the new one is erased.
    private static async Task EraseAsync(GroupCommit commits, string id, Func<string, bool> concerns, CancellationToken cancellationToken)
    {
        var isErased = false;
        while (!isErased)
        {
            cancellationToken.ThrowIfCancellationRequested();
            isErased = await commits.WriteAsync(
                statements => statements.Row("SELECT entry FROM catalogue_audit WHERE id = @id", row => row.GetString(0), ("id", id)) is not { } json || ErasedOf(json, concerns) is not { } erased
                    || statements.Execute("UPDATE catalogue_audit SET entry = @erased WHERE id = @id AND entry = @entry", ("erased", erased), ("id", id), ("entry", json)) > 0,
                cancellationToken);
        }
    }

    // Null if nothing is to be erased.
    private static string? ErasedOf(string json, Func<string, bool> concerns) =>
        AuditJson.Read(json) is { } entry && AuditJson.Erase(entry, concerns) is var erased && erased != entry ? AuditJson.Write(erased) : null;

    private List<(string Id, string Json)> Read(string last) => database.Read(statements =>
    {
        using var command = statements.Connection.CreateCommand();
        command.CommandText = "SELECT id, entry FROM catalogue_audit WHERE id > @last ORDER BY id LIMIT @most";
        foreach (var (name, value) in new (string, object)[] { ("@last", last), ("@most", ReadAtOnce) })
        {
            var parameter = command.CreateParameter();
            (parameter.ParameterName, parameter.Value) = (name, value);
            command.Parameters.Add(parameter);
        }
        using var rows = command.ExecuteReader();
        var entries = new List<(string, string)>();
        while (rows.Read())
            entries.Add((rows.GetString(0), rows.GetString(1)));
        return entries;
    });
}
