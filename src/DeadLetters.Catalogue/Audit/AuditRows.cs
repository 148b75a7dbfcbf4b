using System.Data.Common;
using WorkinIt.DeadLetters.Catalogue.Store;
using WorkinIt.Storage;

namespace WorkinIt.DeadLetters.Catalogue.Audit;

/// <summary>The entries of the audit log in the database.</summary>
internal static class AuditRows
{
    private const int LongestQueue = 255;

    private const string Insert = "INSERT INTO catalogue_audit (id, at, queue, ended_at, entry) VALUES (@id, @at, @queue, @ended, @entry)";

    /// <summary>Writes an entry, or a newer version of one.</summary>
    public static int Save(Statements statements, AuditEntry entry) =>
        Write(statements, Insert + " ON CONFLICT (id) DO UPDATE SET ended_at = excluded.ended_at, entry = excluded.entry", entry);

    /// <summary>Writes an entry of an audit file, unless the database has a version of it that is at least as new.</summary>
    /// <returns>How many entries were written: one or none.</returns>
    public static int Add(Statements statements, AuditEntry entry) => Write(
        statements,
        Insert + " ON CONFLICT (id) DO UPDATE SET ended_at = excluded.ended_at, entry = excluded.entry WHERE catalogue_audit.ended_at IS NULL AND excluded.ended_at IS NOT NULL", entry);

    /// <summary>Reads the newest entries, newest first.</summary>
    /// <param name="statements">The connection.</param>
    /// <param name="queue">The queue; null for all queues.</param>
    /// <param name="before">The id of the entry that they follow; null for the newest.</param>
    /// <param name="limit">The maximum number of entries.</param>
    public static IReadOnlyList<AuditEntry> Read(Statements statements, string? queue, string? before, int limit)
    {
        var start = before is null ? null : statements.Row("SELECT at FROM catalogue_audit WHERE id = @id", row => (object)row.GetInt64(0), ("id", before));
        if (before is not null && start is null)
            return [];
        using var command = statements.Connection.CreateCommand();
#pragma warning disable CA2100 // our own text; user input is passed as parameters
        command.CommandText =
            "SELECT entry FROM catalogue_audit WHERE 1 = 1"
            + (queue is null ? "" : " AND queue = @queue") + (start is null ? "" : " AND (at < @at OR (at = @at AND id < @id))") + " ORDER BY at DESC, id DESC LIMIT @limit";
#pragma warning restore CA2100
        Add(command, "@limit", limit);
        if (queue is not null)
            Add(command, "@queue", NameOf(queue));
        if (start is not null)
        {
            Add(command, "@at", start);
            Add(command, "@id", before!);
        }
        using var rows = command.ExecuteReader();
        var entries = new List<AuditEntry>();
        while (rows.Read())
        {
            if (AuditJson.Read(rows.GetString(0)) is { } entry)
                entries.Add(entry);
        }
        return entries;
    }

    /// <summary>Finds an entry; null if there is none.</summary>
    public static AuditEntry? Find(Statements statements, string id) =>
        statements.Row("SELECT entry FROM catalogue_audit WHERE id = @id", row => row.GetString(0), ("id", id)) is { } json ? AuditJson.Read(json) : null;

    private static int Write(Statements statements, string sql, AuditEntry entry) => statements.Execute(
        sql, ("id", entry.Id), ("at", entry.At.ToUnixTimeMilliseconds()), ("queue", NameOf(entry.Queue)), ("ended", entry.EndedAt?.ToUnixTimeMilliseconds()), ("entry", AuditJson.Write(entry)));

    private static string NameOf(string queue) => PlainTexts.Storable(queue, LongestQueue);

    private static void Add(DbCommand command, string name, object value)
    {
        var parameter = command.CreateParameter();
        (parameter.ParameterName, parameter.Value) = (name, value);
        command.Parameters.Add(parameter);
    }
}
