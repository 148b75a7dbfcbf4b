using System.Data;
using System.Data.Common;
using Dapper;
using WorkinIt.Storage;

namespace WorkinIt.DeadLetters.Catalogue.Triage;

/// <summary>Reads and writes what operators noted about causes. Each change is in the audit log and in the history of the cause.</summary>
internal sealed class TriageStore(CatalogueOptions options, OpenCatalogue catalogue, IAuditLog audit, TimeProvider time)
{
    private readonly GuardedAudit _audit = new(audit);

    /// <summary>What is noted about some causes. Each of them is in the result.</summary>
    /// <exception cref="DbException">The database is unreachable.</exception>
    public Task<IReadOnlyDictionary<string, CauseTriage>> GetAsync(IReadOnlyCollection<string> causeIds, CancellationToken cancellationToken) => Task.Run(
        () =>
        {
            using var connection = options.Database.OpenToRead();
            return Read(connection, null, options.Database, causeIds);
        },
        cancellationToken);

    /// <summary>Changes the triage of a cause.</summary>
    /// <param name="cause">The cause's id.</param>
    /// <param name="change">The change.</param>
    /// <param name="by">The operator.</param>
    /// <param name="queue">The queue for the audit log: one that holds letters of the cause; empty if none does.</param>
    /// <param name="cancellationToken">Cancels the wait.</param>
    /// <param name="source">The source of that queue, if the application has several.</param>
    /// <exception cref="DeadLetterException">The audit log can't be written; then nothing is changed.</exception>
    /// <exception cref="DbException">The change was not committed.</exception>
    public async Task SetAsync(string cause, TriageChange change, string by, string queue, CancellationToken cancellationToken, string? source = null)
    {
        var now = time.GetUtcNow();
        var entry = new AuditEntry
        {
            Id = Guid.CreateVersion7(now).ToString("N"),
            At = now,
            By = by,
            Verb = change.Verb,
            Queue = queue,
            Source = source,
            Filter = $"cause={cause}",
            Results = change.Detail,
        };
        var commits = await catalogue.CommitsAsync(cancellationToken);
        await _audit.WriteAsync(entry, cancellationToken);
        await commits.WriteAsync((connection, transaction) => Write(connection, transaction, cause, change, by, now), cancellationToken);
        await _audit.WriteAsync(entry with { EndedAt = time.GetUtcNow(), Selected = 1, Done = 1 }, CancellationToken.None);
    }

    /// <summary>The changes of a cause, the newest first.</summary>
    public Task<IReadOnlyList<TriageEntry>> HistoryAsync(string cause, int limit, CancellationToken cancellationToken) => Task.Run(
        () =>
        {
            using var connection = options.Database.OpenToRead();
            using var rows = connection.ExecuteReader(
                "SELECT at, changed_by, verb, text FROM catalogue_triage_history WHERE cause = @cause ORDER BY id DESC LIMIT @limit", new { cause, limit });
            var entries = new List<TriageEntry>();
            while (rows.Read())
                entries.Add(new TriageEntry(Rows.Time(rows, 0)!.Value, rows.GetString(1), rows.GetString(2), rows.GetString(3)));
            return (IReadOnlyList<TriageEntry>)entries;
        },
        cancellationToken);

    /// <summary>Reads the triage of some causes, also within a transaction.</summary>
    public static IReadOnlyDictionary<string, CauseTriage> Read(DbConnection connection, DbTransaction? transaction, Database database, IReadOnlyCollection<string> causeIds)
    {
        var result = causeIds.Distinct(StringComparer.Ordinal).ToDictionary(id => id, id => new CauseTriage(id), StringComparer.Ordinal);
        foreach (var ids in result.Keys.ToArray().Chunk(500))
        {
            var tracks = CauseTracks.Read(connection, transaction, $"WHERE cause {database.OneOf("@ids")}", new { ids });
            foreach (var (id, track) in tracks)
                result[id] = result[id] with { Track = track };
            using var rows = connection.ExecuteReader(
                $"SELECT cause, acknowledged_at, acknowledged_by, muted_at, muted_by, muted_until, muted_until_version, owner, note, link FROM catalogue_triage WHERE cause {database.OneOf("@ids")}",
                new { ids }, transaction);
            while (rows.Read())
                result[rows.GetString(0)] = Of(rows) with { Track = result[rows.GetString(0)].Track };
        }
        return result;
    }

    private static CauseTriage Of(IDataRecord row) => new(row.GetString(0))
    {
        Acknowledged = Rows.Time(row, 1) is { } acknowledged ? new Stamp(row.GetString(2), acknowledged) : null,
        Mute = Rows.Time(row, 3) is { } muted ? new Mute(new Stamp(row.GetString(4), muted), Rows.Time(row, 5), Rows.Text(row, 6)) : null,
        Owner = row.GetString(7),
        Note = row.GetString(8),
        Link = row.GetString(9),
    };

    private static int Write(DbConnection connection, DbTransaction transaction, string cause, TriageChange change, string by, DateTimeOffset now)
    {
        by = by.Length > 200 ? by[..200] : by;
        var at = now.ToUnixTimeMilliseconds();
        var describe = change as TriageChange.Describe;
        connection.Execute("INSERT INTO catalogue_triage (cause, owner, note, link) VALUES (@cause, '', '', '') ON CONFLICT (cause) DO NOTHING", new { cause }, transaction);
        connection.Execute(
            $"UPDATE catalogue_triage SET {Assignments(change)} WHERE cause = @cause",
            new
            {
                cause,
                at,
                by,
                until = (change as TriageChange.MuteUntil)?.Until.ToUnixTimeMilliseconds(),
                version = (change as TriageChange.MuteUntilVersion)?.Version,
                owner = describe?.Owner,
                note = describe?.Note,
                link = describe?.Link,
            },
            transaction);
        return connection.Execute(
            "INSERT INTO catalogue_triage_history (cause, at, changed_by, verb, text) VALUES (@cause, @at, @by, @verb, @text)",
            new { cause, at, by, verb = change.Verb, text = change.Text }, transaction);
    }

    private static string Assignments(TriageChange change) => change switch
    {
        TriageChange.Acknowledge => "acknowledged_at = @at, acknowledged_by = @by",
        TriageChange.Unacknowledge => "acknowledged_at = NULL, acknowledged_by = NULL",
        TriageChange.MuteUntil => "muted_at = @at, muted_by = @by, muted_until = @until, muted_until_version = NULL",
        TriageChange.MuteUntilVersion => "muted_at = @at, muted_by = @by, muted_until = NULL, muted_until_version = @version",
        TriageChange.Unmute => "muted_at = NULL, muted_by = NULL, muted_until = NULL, muted_until_version = NULL",
        TriageChange.Describe => "owner = @owner, note = @note, link = @link",
        _ => throw new NotSupportedException(change.Verb),
    };
}
