using System.Data.Common;
using System.Diagnostics.CodeAnalysis;
using Microsoft.Data.Sqlite;
using WorkinIt.DeadLetters.Catalogue.Replays;
using WorkinIt.Storage;

namespace WorkinIt.DeadLetters.Catalogue.Store;

/// <summary>The catalogue's database, with what reads and writes it.</summary>
internal sealed class CatalogueStore : IAsyncDisposable
{
    private const int Corrupt = 11; // SQLITE_CORRUPT
    private const int NotADatabase = 26; // SQLITE_NOTADB

    private readonly CatalogueOptions _options;
    private int _isTidying;

    /// <summary>Creates the parts, without opening the database.</summary>
    /// <param name="options">The settings of the catalogue.</param>
    /// <param name="time">The clock.</param>
    public CatalogueStore(CatalogueOptions options, TimeProvider time)
    {
        _options = options;
        Commits = new GroupCommit(options.Database);
        Writer = new CatalogueWriter(options, Commits, time);
        Replays = new ReplayWriter(options, Commits, time);
        Kept = new KeptWriter(Commits, time);
        Indexer = new TextIndexer(options, Commits);
        Reader = new CatalogueReader(options, time);
    }

    public GroupCommit Commits { get; }

    public CatalogueWriter Writer { get; }

    /// <summary>Writes what becomes of letters that failed while their queue was missing.</summary>
    public KeptWriter Kept { get; }

    public CatalogueReader Reader { get; }

    /// <summary>Writes the outcomes of replayed messages.</summary>
    public ReplayWriter Replays { get; }

    /// <summary>Adds texts to the index; called when nothing else is to be done.</summary>
    public TextIndexer Indexer { get; }

    /// <summary>Begins to prune and index, unless another feed of this host does: it would do the same work.</summary>
    /// <returns>Whether the caller does it, and calls <see cref="EndTidying"/> afterwards.</returns>
    public bool TryBeginTidying() => Interlocked.Exchange(ref _isTidying, 1) == 0;

    public void EndTidying() => Volatile.Write(ref _isTidying, 0);

    /// <summary>Creates or migrates the tables.</summary>
    /// <exception cref="CatalogueUnavailableException">The database can't be used; the message says what to do.</exception>
    public void Migrate()
    {
        try
        {
            DatabaseSchema.Migrate(_options.Database, typeof(CatalogueStore).Assembly);
        }
        catch (Exception e) when (DatabaseErrorOf(e) is { } error)
        {
            throw new CatalogueUnavailableException(Explain(_options.Database, error), e);
        }
    }

    /// <summary>Opens the database, and creates or migrates its tables.</summary>
    /// <param name="options">The settings of the catalogue.</param>
    /// <param name="time">The clock.</param>
    /// <exception cref="CatalogueUnavailableException">The database can't be used; the message says what to do.</exception>
    public static CatalogueStore Open(CatalogueOptions options, TimeProvider time)
    {
        var store = new CatalogueStore(options, time);
        store.Migrate();
        return store;
    }

    /// <summary>Explains an error of the catalogue's database, for an operator: what it is, and what to do.</summary>
    public static string Explain(Database database, DbException error)
    {
        const string setting = $"{nameof(CatalogueOptions)}.{nameof(CatalogueOptions.Database)}";
        return error is SqliteException { SqliteErrorCode: Corrupt or NotADatabase }
            ? $"The file of the catalogue of dead letters ({setting}) is damaged or not a SQLite file ({error.Message}): stop the application, restore the file from a backup, or move it away with its -wal and -shm, and start again. "
                + "Without a backup, the catalogue is rebuilt from the queues; the audit log, what operators noted about causes, and the letters that have left their queues are lost"
            : $"The database of the catalogue of dead letters can't be used ({error.Message}): check {setting}, "
                + (database.IsSqlite ? "that its folder exists, the rights to the file, and the free disk space" : "that PostgreSQL is reachable, and the user's rights");
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => Commits.DisposeAsync();

    // FluentMigrator wraps some errors.
    private static DbException? DatabaseErrorOf(Exception? error) => error switch
    {
        null => null,
        DbException database => database,
        _ => DatabaseErrorOf(error.InnerException),
    };
}

/// <summary>The database of the catalogue can't be used. The message says what to do.</summary>
[SuppressMessage("Design", "CA1064:Exceptions should be public", Justification = "The catalogue's own hosts and pages handle it")]
internal sealed class CatalogueUnavailableException(string message, Exception cause) : Exception(message, cause);
