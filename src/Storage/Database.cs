using System.Collections.Concurrent;
using System.Data.Common;
using System.Diagnostics.CodeAnalysis;
using Dapper;
using Microsoft.Data.Sqlite;
using Npgsql;

namespace WorkinIt.Storage;

/// <summary>
/// A SQLite file (<c>Data Source=submissions.db</c>) or a PostgreSQL database (<c>Host=…;Username=…;Password=…;Database=…</c>),
/// told apart by the connection string.
/// </summary>
public sealed class Database
{
    // 4 KiB each. Who commits carries the log into the file once it is this long: with SQLite's 1,000 every few dozen commits, and whoever waits
    // for a commit waits for that.
    private const int PagesOfLog = 10_000;

    private readonly string _connectionString;

    // With what they have prepared. On SQLite only.
    private readonly ConcurrentBag<Statements> _readers = [];

    private Database(string connectionString, bool isSqlite) => (_connectionString, IsSqlite) = (connectionString, isSqlite);

    /// <summary>Whether it is a SQLite file, which one writer at a time may change.</summary>
    public bool IsSqlite { get; }

    /// <summary>"One of these" in SQL: PostgreSQL gets an array, SQLite as many parameters.</summary>
    /// <param name="parameter">The parameter that Dapper is given, an array.</param>
    public string OneOf(string parameter) => IsSqlite ? $"IN {parameter}" : $"= ANY({parameter})";

    internal string ConnectionString => _connectionString;

    /// <summary>Reads a connection string; opens nothing.</summary>
    /// <param name="text">The connection string.</param>
    /// <param name="database">The database, when the text names one.</param>
    /// <param name="error">What is wrong; never holds the password.</param>
    public static bool TryParse(string? text, [NotNullWhen(true)] out Database? database, [NotNullWhen(false)] out string? error)
    {
        database = null;
        error = "it must read \"Data Source=FILE\" for SQLite, or \"Host=…;Database=…;Username=…;Password=…\" for PostgreSQL";
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

    /// <summary>Opens a connection out of the driver's pool, to read and to write.</summary>
    /// <exception cref="DbException">The database is out of reach.</exception>
    public DbConnection Open()
    {
        var connection = OpenToRead();
        try
        {
            // A commit is on the disk when it returns: that is what "accepted" promises. And what a change removes or moves is overwritten where
            // it was, but for what a page's split leaves (see WriteAnew): else the file keeps what people typed until its place is needed.
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

    /// <summary>Reads.</summary>
    /// <typeparam name="T">What is read.</typeparam>
    /// <param name="read">Reads it, by statements of which there are few.</param>
    /// <exception cref="DbException">The database is out of reach.</exception>
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
            reader.Dispose(); // whatever state it is in
            throw;
        }
    }

    /// <summary>
    /// Leaves no copy of what was removed in a SQLite file or its log. Even with secure_delete a page that was once split keeps a copy of what
    /// moved to the other one, and the log has what went through it. Readers go on meanwhile, writers wait. PostgreSQL does it by itself, by vacuum.
    /// </summary>
    /// <param name="largest">A file of more bytes is not written anew: whoever writes to it would wait too long. Its log is emptied.</param>
    /// <returns>Null, or what is left and why.</returns>
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
                connection.Execute("VACUUM"); // the driver's deadline counts while somebody else writes, and not for the work
        }
        catch (DbException e)
        {
            left = new CopiesLeft(e.Message, TryAgain: true);
        }
        return EmptyLog(connection) ? left : left ?? new CopiesLeft("somebody reads from it all the time, so that its log can't be emptied", TryAgain: true);
    }

    /// <summary>Carries the log of a SQLite file into it and leaves nothing in the log: it holds what went through it until its place is needed.</summary>
    /// <returns>False where somebody reads all the time.</returns>
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

    /// <summary>Opens a connection out of the driver's pool, for a look.</summary>
    /// <exception cref="DbException">The database is out of reach.</exception>
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

/// <summary>Copies of what was removed are left in a file.</summary>
/// <param name="Why">Why.</param>
/// <param name="TryAgain">Whether another call may do it.</param>
public sealed record CopiesLeft(string Why, bool TryAgain);
