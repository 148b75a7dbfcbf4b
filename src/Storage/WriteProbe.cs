using System.Security.Cryptography;
using FluentMigrator;

namespace WorkinIt.Storage;

/// <summary>
/// Tests writing with a small change. With a full disk or a read-only file every read still succeeds; only a write detects that.
/// </summary>
/// <param name="writer">The feature's own writer.</param>
/// <param name="table">The table, created by <see cref="CreateTable"/>.</param>
public sealed class WriteProbe(GroupCommit writer, string table)
{
    // More than a submission or a delivery takes: if this fits on the disk, they fit, too.
    private const int Characters = 16 * 1024;

    private readonly string _sql = $"INSERT INTO {table} (id, text) VALUES (1, @text) ON CONFLICT (id) DO UPDATE SET text = @text";

    /// <summary>Creates the probe's table in a migration.</summary>
    /// <param name="migration">The migration.</param>
    /// <param name="table">The table.</param>
    public static void CreateTable(Migration migration, string table) => migration.Create.Table(table)
        .WithColumn("id").AsInt16().PrimaryKey()
        .WithColumn("text").AsString(Characters).NotNullable();

    /// <summary>Writes to the table, and returns when the change is committed.</summary>
    /// <param name="cancellationToken">Cancels the wait.</param>
    /// <exception cref="System.Data.Common.DbException">The change was not committed.</exception>
    public Task WriteAsync(CancellationToken cancellationToken) =>
        // A different text each time, because SQLite does not write unchanged pages.
        writer.WriteAsync(statements => statements.Execute(_sql, ("text", RandomNumberGenerator.GetHexString(Characters))), cancellationToken);
}
