using System.Data.Common;
using Dapper;
using Microsoft.Data.Sqlite;

namespace WorkinIt.Storage;

/// <summary>
/// One migration of a database at a time; others wait for their turn. FluentMigrator looks for a table first and creates it then, so two at
/// once would both find it missing.
/// </summary>
internal static class MigrationTurn
{
    private const long PostgresLock = 0x576F726B696E4974; // any number that nobody else takes
    private const int CantOpen = 14; // SQLITE_CANTOPEN
    private static readonly TimeSpan _patience = TimeSpan.FromMinutes(2);
    private static readonly TimeSpan _pause = TimeSpan.FromMilliseconds(50);

    /// <summary>Waits for it. It ends with its process, too.</summary>
    /// <exception cref="DbException">Another one did not end, or the database can't be used.</exception>
    public static IDisposable Wait(Database database) => database.IsSqlite ? OfFile(database) : OfPostgres(database);

    // A file beside the database's: SQLite's own locks would keep the migration itself out. It stays there, for who deletes it may
    // delete it from under somebody who waits for it.
    private static FileStream OfFile(Database database)
    {
        var file = new SqliteConnectionStringBuilder(database.ConnectionString).DataSource + "-migrate";
        for (var end = DateTime.UtcNow + _patience; ; Thread.Sleep(_pause))
        {
            try
            {
                return new FileStream(file, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
            }
            catch (IOException) when (File.Exists(file) && DateTime.UtcNow < end)
            {
                // Somebody else's turn.
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                throw new SqliteException($"{file} can't be opened ({e.Message})", CantOpen);
            }
        }
    }

    // Of a transaction and not of a session: a pooler in between may hand the session on.
    private static DbTransactionAndConnection OfPostgres(Database database)
    {
        var connection = database.Open();
        var transaction = connection.BeginTransaction();
        connection.Execute("SELECT pg_advisory_xact_lock(@key)", new { key = PostgresLock }, transaction, commandTimeout: (int)_patience.TotalSeconds);
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
