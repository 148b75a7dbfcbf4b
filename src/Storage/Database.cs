using System.Collections.Concurrent;
using System.Data.Common;
using System.Diagnostics.CodeAnalysis;
using Dapper;
using Microsoft.Data.Sqlite;
using Npgsql;

namespace WorkinIt.Storage;

/// <summary>
/// A SQLite file (<c>Data Source=submissions.db</c>) or a PostgreSQL database (<c>Host=…;Username=…;Password=…;Database=…</c>),
/// depending on the connection string.
/// </summary>
public sealed class Database
{
    // 4 KiB each. A commit that makes the write-ahead log this long also copies it into the file, and every caller that waits for the commit waits
    // for that. With SQLite's default of 1,000 pages that happens every few dozen commits.
    private const int PagesOfLog = 10_000;

    private readonly string _connectionString;

    // Connections with their prepared statements. On SQLite only.
    private readonly ConcurrentBag<Statements> _readers = [];

    private Database(string connectionString, bool isSqlite) => (_connectionString, IsSqlite) = (connectionString, isSqlite);

    /// <summary>Whether it is a SQLite file, which allows one writer at a time.</summary>
    public bool IsSqlite { get; }

    /// <summary>Returns the SQL for "one of these": PostgreSQL gets an array, SQLite one parameter for each value.</summary>
    /// <param name="parameter">The name of the parameter, an array that is passed to Dapper.</param>
    public string OneOf(string parameter) => IsSqlite ? $"IN {parameter}" : $"= ANY({parameter})";

    internal string ConnectionString => _connectionString;

    /// <summary>Parses a connection string without opening a connection.</summary>
    /// <param name="text">The connection string.</param>
    /// <param name="database">The database, if the text is valid.</param>
    /// <param name="error">What is wrong; never contains the password.</param>
    public static bool TryParse(string? text, [NotNullWhen(true)] out Database? database, [NotNullWhen(false)] out string? error)
    {
        database = null;
        error = "it must have the form \"Data Source=FILE\" for SQLite, or \"Host=…;Database=…;Username=…;Password=…\" for PostgreSQL";
        if (string.IsNullOrWhiteSpace(text))
            return false;
        try
        {
            var keys = new DbConnectionStringBuilder { ConnectionString = text };
            if (keys.ContainsKey("Data Source"))
                database = new Database(new SqliteConnectionStringBuilder(text) { DefaultTimeout = 10 }.ConnectionString, isSqlite: true);
            else if (keys.ContainsKey("Host"))
                database = new Database(
                    new NpgsqlConnectionStringBuilder(text) { Timeout = 3, CommandTimeout = 10, IncludeErrorDetail = false }.ConnectionString, isSqlite: false);
        }
        catch (ArgumentException)
        {
            return false;
        }
        error = database is null ? error : null;
        return database is not null;
    }

    /// <summary>Parses a connection string without opening a connection.</summary>
    /// <param name="text">The connection string.</param>
    /// <exception cref="FormatException">It is invalid; the message shows the required form, and never contains the password.</exception>
    public static Database Parse(string? text) =>
        TryParse(text, out var database, out var error) ? database : throw new FormatException($"The connection string is invalid: {error}");

    /// <summary>Opens a connection from the driver's pool, to read and to write.</summary>
    /// <exception cref="DbException">The database is unreachable.</exception>
    public DbConnection Open()
    {
        var connection = OpenToRead();
        if (connection is SqliteConnection file && IsReadOnly(file))
        {
            // The file was read-only when the driver opened this connection. It stays one for reading, also when the file is writable again, and
            // the pool would return it to every caller.
            SqliteConnection.ClearPool(file);
            file.Dispose();
            connection = OpenToRead();
        }
        try
        {
            // A commit is on the disk when it returns, as the answer "accepted" promises. Data that a change removes or moves is overwritten in
            // place, except for what a page split leaves (see WriteAnew). Otherwise the file keeps what users typed until the space is reused.
            if (IsSqlite)
                connection.Execute($"PRAGMA synchronous = FULL; PRAGMA secure_delete = ON; PRAGMA wal_autocheckpoint = {PagesOfLog}");
            return connection;
        }
        catch
        {
            connection.Dispose();
            throw;
        }
    }

    /// <summary>Runs a read.</summary>
    /// <typeparam name="T">The result.</typeparam>
    /// <param name="read">The read. Use only a few different statements: on SQLite each is prepared and kept.</param>
    /// <exception cref="DbException">The database is unreachable.</exception>
    public T Read<T>(Func<Statements, T> read)
    {
        if (!IsSqlite)
        {
            using var once = new Statements(OpenToRead(), prepares: false);
            return read(once);
        }
        if (!_readers.TryTake(out var reader))
            reader = new Statements(OpenToRead(), prepares: true);
        try
        {
            var result = read(reader);
            _readers.Add(reader);
            return result;
        }
        catch
        {
            reader.Dispose(); // its state is unknown
            throw;
        }
    }

    /// <summary>
    /// Removes all copies of deleted data from a SQLite file and its log. Even with secure_delete, a page that was once split keeps a copy of what
    /// moved to the other page, and the log contains everything written through it. Meanwhile readers continue and writers wait. PostgreSQL does
    /// this automatically, by vacuum.
    /// </summary>
    /// <param name="largest">A file with more bytes is not rewritten, because writers would wait too long. Its log is emptied all the same.</param>
    /// <returns>Null on success; otherwise why copies are left.</returns>
    public CopiesLeft? WriteAnew(long largest)
    {
        if (!IsSqlite)
            return null;
        using var connection = Open();
        CopiesLeft? left = null;
        try
        {
            if (connection.QuerySingle<long>("SELECT page_count * page_size FROM pragma_page_count, pragma_page_size") > largest)
                left = new CopiesLeft($"it is over {largest >> 20} MiB", TryAgain: false);
            else
                connection.Execute("VACUUM"); // the driver's timeout applies to the wait for another writer, not to the VACUUM
        }
        catch (DbException e)
        {
            left = new CopiesLeft(e.Message, TryAgain: true);
        }
        return EmptyLog(connection) ? left : left ?? new CopiesLeft("readers use it all the time, so its log can't be emptied", TryAgain: true);
    }

    /// <summary>
    /// Copies the log of a SQLite file into the file and empties the log, which otherwise keeps everything written through it until the space is reused.
    /// </summary>
    /// <returns>False if readers keep the file in use all the time.</returns>
    public bool EmptyLog()
    {
        if (!IsSqlite)
            return true;
        using var connection = Open();
        return EmptyLog(connection);
    }

    private static bool EmptyLog(DbConnection connection)
    {
        for (var tries = 0; tries < 50; tries++)
        {
            if (connection.QuerySingle<(long Busy, long Pages, long Moved)>("PRAGMA wal_checkpoint(TRUNCATE)").Busy == 0)
                return true;
            Thread.Sleep(100);
        }
        return false;
    }

    // SQLite opens a read-only file without an error.
    private static bool IsReadOnly(SqliteConnection connection) => SQLitePCL.raw.sqlite3_db_readonly(connection.Handle, "main") == 1;

    /// <summary>Opens a connection from the driver's pool, for reading.</summary>
    /// <exception cref="DbException">The database is unreachable.</exception>
    public DbConnection OpenToRead()
    {
        DbConnection connection = IsSqlite ? new SqliteConnection(_connectionString) : new NpgsqlConnection(_connectionString);
        try
        {
            connection.Open();
            return connection;
        }
        catch
        {
            connection.Dispose();
            throw;
        }
    }
}

/// <summary>Copies of deleted data are left in a file.</summary>
/// <param name="Why">The reason.</param>
/// <param name="TryAgain">Whether another call may succeed.</param>
public sealed record CopiesLeft(string Why, bool TryAgain);
