using System.Security.Cryptography;
using FluentMigrator;

namespace WorkinIt.Storage;

/// <summary>
/// Writes a little, as a real change does: a disk that is full or a file that may only be read answers every question, and is noticed by a
/// write alone.
/// </summary>
/// <param name="writer">The feature's own.</param>
/// <param name="table">Made by <see cref="CreateTable"/>.</param>
public sealed class WriteProbe(GroupCommit writer, string table)
{
    // More than a submission or a delivery takes: where this has room, they have.
    private const int Characters = 16 * 1024;

    private readonly string _sql = $"INSERT INTO {table} (id, text) VALUES (1, @text) ON CONFLICT (id) DO UPDATE SET text = @text";

    /// <summary>For a migration.</summary>
    /// <param name="migration">The migration.</param>
    /// <param name="table">The table.</param>
    public static void CreateTable(Migration migration, string table) => migration.Create.Table(table)
        .WithColumn("id").AsInt16().PrimaryKey()
        .WithColumn("text").AsString(Characters).NotNullable();

    /// <summary>Returns when it is committed.</summary>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <exception cref="System.Data.Common.DbException">It was not.</exception>
    public Task WriteAsync(CancellationToken cancellationToken) =>
        // Never the same twice: SQLite writes no page that stays as it is.
        writer.WriteAsync(statements => statements.Execute(_sql, ("text", RandomNumberGenerator.GetHexString(Characters))), cancellationToken);
}
