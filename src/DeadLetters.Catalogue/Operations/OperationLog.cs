using System.Data.Common;
using System.Globalization;
using WorkinIt.Storage;

namespace WorkinIt.DeadLetters.Catalogue.Operations;

/// <summary>
/// The operations of all instances, in the catalogue's database: any instance shows and cancels them, and runs the dry run of another one. What the
/// operations did is in the audit log; this only shows it.
/// </summary>
internal sealed class OperationLog(Database database, GroupCommit commits, TimeProvider time)
{
    // Requests contain what a user searched for, so they are kept only as long as a dry run is worth something.
    private static readonly TimeSpan _requestLife = TimeSpan.FromHours(1);
    private static readonly TimeSpan _life = TimeSpan.FromDays(7);
    private static readonly TimeSpan _interruptedLife = TimeSpan.FromDays(1);

    private const int MostText = 1000;
    private const string Columns =
        "id, queue, title, started_by, is_dry_run, started_at, updated_at, ended_at, is_cancelled, examined, total, done, refused, result, problem, CASE WHEN request IS NULL OR is_taken = 1 THEN 0 ELSE 1 END, audit_id, runs_on, source";

    /// <summary>What the operations of this process are recorded with.</summary>
    public string RunsOn { get; init; } = string.Create(CultureInfo.InvariantCulture, $"{Environment.MachineName} (process {Environment.ProcessId})");

    /// <summary>Records that an operation has begun.</summary>
    /// <param name="operation">The operation.</param>
    /// <param name="request">Of a dry run: what another instance needs to run it; null to keep nothing.</param>
    /// <param name="cancellationToken">Cancels the wait.</param>
    /// <exception cref="DbException">It was not recorded.</exception>
    public Task BeginAsync(SharedOperation operation, string? request, CancellationToken cancellationToken) => commits.WriteAsync(statements =>
    {
        var now = Now();
        statements.Execute("DELETE FROM catalogue_operations WHERE started_at < @oldest", ("oldest", now - (long)_life.TotalMilliseconds));
        statements.Execute("UPDATE catalogue_operations SET request = NULL WHERE request IS NOT NULL AND started_at < @oldest", ("oldest", now - (long)_requestLife.TotalMilliseconds));
        return statements.Execute(
            """
            INSERT INTO catalogue_operations (id, queue, source, title, started_by, is_dry_run, started_at, updated_at, request, runs_on)
            VALUES (@id, @queue, @source, @title, @by, @dryRun, @started, @now, @request, @runsOn)
            """,
            ("id", operation.Id), ("queue", operation.Queue), ("source", operation.Source), ("title", Cut(operation.Title)), ("by", Cut(operation.By, 255)), ("dryRun", operation.IsDryRun ? 1 : 0),
            ("started", operation.StartedAt.ToUnixTimeMilliseconds()), ("now", now), ("request", request), ("runsOn", Cut(RunsOn, 255)));
    }, cancellationToken);

    /// <summary>Records the progress of an operation.</summary>
    /// <returns>Whether a user of any instance has cancelled it.</returns>
    /// <exception cref="DbException">It was not recorded.</exception>
    public Task<bool> ReportAsync(string id, OperationProgress progress, CancellationToken cancellationToken) => commits.WriteAsync(statements =>
    {
        statements.Execute(
            "UPDATE catalogue_operations SET updated_at = @now, examined = @examined, total = @total, done = @done, refused = @refused, audit_id = COALESCE(@audit, audit_id) WHERE id = @id",
            ("now", Now()), ("examined", progress.Examined), ("total", progress.Total), ("done", progress.Done), ("refused", progress.Refused), ("audit", progress.OperationId), ("id", id));
        return statements.Scalar<long?>("SELECT is_cancelled FROM catalogue_operations WHERE id = @id", ("id", id)) == 1;
    }, cancellationToken);

    /// <summary>Records the end of an operation.</summary>
    /// <exception cref="DbException">It was not recorded.</exception>
    public Task EndAsync(string id, OperationProgress progress, string? result, string? problem, CancellationToken cancellationToken) => commits.WriteAsync(
        statements => statements.Execute(
            """
            UPDATE catalogue_operations SET updated_at = @now, ended_at = @now, examined = @examined, total = @total, done = @done, refused = @refused, result = @result, problem = @problem,
              audit_id = COALESCE(@audit, audit_id)
            WHERE id = @id
            """,
            ("now", Now()), ("examined", progress.Examined), ("total", progress.Total), ("done", progress.Done), ("refused", progress.Refused),
            ("result", result is null ? null : Cut(result)), ("problem", problem is null ? null : Cut(problem)), ("audit", progress.OperationId), ("id", id)),
        cancellationToken);

    /// <summary>Asks the instance that runs an operation to end it.</summary>
    /// <returns>False if no such operation runs.</returns>
    /// <exception cref="DbException">It was not recorded.</exception>
    public Task<bool> CancelAsync(string id, CancellationToken cancellationToken) => commits.WriteAsync(
        statements => statements.Execute("UPDATE catalogue_operations SET is_cancelled = 1 WHERE id = @id AND ended_at IS NULL", ("id", id)) > 0, cancellationToken);

    /// <summary>Takes a dry run, so that it is run once, by one instance.</summary>
    /// <returns>Whether it is taken by this call, and its request if it is still kept; null if the database does not know the dry run.</returns>
    /// <exception cref="DbException">It was not taken.</exception>
    public Task<TakenDryRun?> TakeAsync(string id, CancellationToken cancellationToken) => commits.WriteAsync(statements =>
    {
        var oldest = Now() - (long)_requestLife.TotalMilliseconds;
        var taken = statements.Row(
            "SELECT CASE WHEN started_at >= @oldest THEN request END FROM catalogue_operations WHERE id = @id",
            row => new TakenDryRun(false, row.IsDBNull(0) ? null : row.GetString(0)), ("oldest", oldest), ("id", id));
        return taken is null ? null
            : taken with { IsTaken = statements.Execute("UPDATE catalogue_operations SET is_taken = 1, request = NULL WHERE id = @id AND is_taken = 0", ("id", id)) > 0 };
    }, cancellationToken);

    /// <summary>Finds an operation of any instance; null if there is none.</summary>
    /// <exception cref="DbException">The database is unreachable.</exception>
    public SharedOperation? Find(string id) => database.Read(statements => statements.Row($"SELECT {Columns} FROM catalogue_operations WHERE id = @id", Read, ("id", id)));

    /// <summary>The operations that run on any instance, the oldest first.</summary>
    /// <exception cref="DbException">The database is unreachable.</exception>
    public IReadOnlyList<SharedOperation> Running()
    {
        var now = time.GetUtcNow();
        return [.. Select("WHERE ended_at IS NULL ORDER BY started_at").Where(operation => operation.IsRunning(now))];
    }

    /// <summary>
    /// The operations that have ended without a result, because their process was killed, the oldest first: those of the last day after which no other
    /// operation has begun on their queue.
    /// </summary>
    /// <exception cref="DbException">The database is unreachable.</exception>
    public IReadOnlyList<SharedOperation> Interrupted()
    {
        var now = time.GetUtcNow();
        return
        [
            .. Select(
                """
                AS o WHERE ended_at IS NULL AND is_dry_run = 0 AND started_at > @oldest
                  AND NOT EXISTS (SELECT 1 FROM catalogue_operations AS l WHERE l.queue = o.queue AND l.is_dry_run = 0 AND l.started_at > o.started_at)
                ORDER BY started_at
                """,
                ("@oldest", (now - _interruptedLife).ToUnixTimeMilliseconds())).Where(operation => !operation.IsRunning(now)),
        ];
    }

    /// <summary>Finds the operations of audit entries that have not ended: whether they run.</summary>
    /// <returns>By the id of the audit entry. Operations are not kept as long as entries.</returns>
    /// <exception cref="DbException">The database is unreachable.</exception>
    public IReadOnlyDictionary<string, SharedOperation> OfAudit(IReadOnlyCollection<string> auditIds)
    {
        var wanted = auditIds.ToHashSet(StringComparer.Ordinal);
        return wanted.Count == 0
            ? new Dictionary<string, SharedOperation>()
            : Select("WHERE ended_at IS NULL AND audit_id IS NOT NULL").Where(operation => wanted.Contains(operation.AuditId!)).ToDictionary(operation => operation.AuditId!);
    }

    private List<SharedOperation> Select(string where, params (string Name, object Value)[] parameters) => database.Read(statements =>
    {
        using var command = statements.Connection.CreateCommand();
#pragma warning disable CA2100 // our own text
        command.CommandText = $"SELECT {Columns} FROM catalogue_operations {where}";
#pragma warning restore CA2100
        foreach (var (name, value) in parameters)
        {
            var parameter = command.CreateParameter();
            (parameter.ParameterName, parameter.Value) = (name, value);
            command.Parameters.Add(parameter);
        }
        using var reader = command.ExecuteReader();
        var all = new List<SharedOperation>();
        while (reader.Read())
            all.Add(Read(reader));
        return all;
    });

    private static SharedOperation Read(DbDataReader row) => new()
    {
        Id = row.GetString(0),
        Queue = row.GetString(1),
        Title = row.GetString(2),
        By = row.GetString(3),
        IsDryRun = Convert.ToInt64(row.GetValue(4), CultureInfo.InvariantCulture) == 1,
        StartedAt = DateTimeOffset.FromUnixTimeMilliseconds(row.GetInt64(5)),
        UpdatedAt = DateTimeOffset.FromUnixTimeMilliseconds(row.GetInt64(6)),
        EndedAt = row.IsDBNull(7) ? null : DateTimeOffset.FromUnixTimeMilliseconds(row.GetInt64(7)),
        IsCancelled = Convert.ToInt64(row.GetValue(8), CultureInfo.InvariantCulture) == 1,
        Examined = row.GetInt64(9),
        Total = row.GetInt64(10),
        Done = row.GetInt64(11),
        Refused = row.GetInt64(12),
        Result = row.IsDBNull(13) ? null : row.GetString(13),
        Problem = row.IsDBNull(14) ? null : row.GetString(14),
        CanRun = Convert.ToInt64(row.GetValue(15), CultureInfo.InvariantCulture) == 1,
        AuditId = row.IsDBNull(16) ? null : row.GetString(16),
        RunsOn = row.IsDBNull(17) ? null : row.GetString(17),
        Source = row.IsDBNull(18) ? null : row.GetString(18),
    };

    private long Now() => time.GetUtcNow().ToUnixTimeMilliseconds();

    private static string Cut(string text, int most = MostText) => text.Length <= most ? text : text[..(most - 1)] + "…";
}

/// <summary>A dry run that an instance wants to run.</summary>
/// <param name="IsTaken">Whether it may: no instance has taken it before.</param>
/// <param name="Request">The request; null if it is not kept any more.</param>
internal sealed record TakenDryRun(bool IsTaken, string? Request);
