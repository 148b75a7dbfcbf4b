using System.Data.Common;
using Dapper;
using Microsoft.Data.Sqlite;

namespace WorkinIt.Storage;

/// <summary>
/// Allows one migration of a database at a time; others wait. FluentMigrator checks for a table and then creates it, so two concurrent runs
/// would both find it missing.
/// </summary>
internal static class MigrationTurn
{
    private const long PostgresLock = 0x576F726B696E4974; // any number that nothing else locks
    private const int CantOpen = 14; // SQLITE_CANTOPEN
    private static readonly TimeSpan _timeout = TimeSpan.FromMinutes(2);
    private static readonly TimeSpan _pause = TimeSpan.FromMilliseconds(50);

    /// <summary>Waits for the lock. It is also released when the process ends.</summary>
    /// <exception cref="DbException">Another migration did not end in time, or the database can't be used.</exception>
    public static IDisposable Wait(Database database) => database.IsSqlite ? OfFile(database) : OfPostgres(database);

    // A file beside the database file: SQLite's own locks would lock out the migration itself. The file is not deleted afterwards, because
    // another process may be waiting for it.
    private static FileStream OfFile(Database database)
    {
        var file = new SqliteConnectionStringBuilder(database.ConnectionString).DataSource + "-migrate";
        for (var end = DateTime.UtcNow + _timeout; ; Thread.Sleep(_pause))
        {
            try
            {
                return new FileStream(file, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
            }
            catch (IOException) when (File.Exists(file) && DateTime.UtcNow < end)
            {
                // Another process has the lock.
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                throw new SqliteException($"{file} can't be opened ({e.Message})", CantOpen);
            }
        }
    }

    // A lock of the transaction and not of the session: a connection pooler in between may give the session to another client.
    private static DbTransactionAndConnection OfPostgres(Database database)
    {
        var connection = database.Open();
        var transaction = connection.BeginTransaction();
        connection.Execute("SELECT pg_advisory_xact_lock(@key)", new { key = PostgresLock }, transaction, commandTimeout: (int)_timeout.TotalSeconds);
        return new DbTransactionAndConnection(transaction, connection);
    }

    private sealed class DbTransactionAndConnection(DbTransaction transaction, DbConnection connection) : IDisposable
    {
        public void Dispose()
        {
            transaction.Dispose();
            connection.Dispose();
        }
    }
}
