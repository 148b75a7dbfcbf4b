using System.Data.Common;
using System.Threading.Channels;

namespace WorkinIt.Storage;

/// <summary>
/// Writes many small changes in few transactions: changes that wait while one commit reaches the disk go into the next one.
/// It uses one writer per process on SQLite, which allows only one at a time anyway, and a few on PostgreSQL.
/// </summary>
public sealed class GroupCommit : IAsyncDisposable
{
    private const int LargestGroup = 256;
    private const int PostgresWriters = 4;
    private const string Deadlock = "40P01"; // PostgreSQL's deadlock_detected

    private readonly Database _database;
    private readonly Channel<Change> _changes = Channel.CreateBounded<Change>(10_000);
    private readonly Thread[] _writers;
    private readonly TaskCompletionSource[] _ended;

    /// <summary>Starts the writers.</summary>
    /// <param name="database">The database to write to.</param>
    public GroupCommit(Database database)
    {
        _database = database;
        var count = database.IsSqlite ? 1 : PostgresWriters;
        _ended = [.. Enumerable.Range(0, count).Select(_ => new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously))];
        // Dedicated threads: SQLite has no asynchronous I/O, and a commit must not block a thread that answers requests.
        _writers = [.. _ended.Select((ended, index) => new Thread(() => Write(ended)) { IsBackground = true, Name = $"group commit {index}" })];
        foreach (var writer in _writers)
            writer.Start();
    }

    /// <summary>Makes one change, and returns when it is committed.</summary>
    /// <typeparam name="T">The result of the change.</typeparam>
    /// <param name="change">
    /// The change. It runs in a transaction together with others, and once more alone if one of those fails, so it must have no effect outside the
    /// database.
    /// </param>
    /// <param name="cancellationToken">
    /// Cancels the wait. A change that has not started by then is not made; one that has started may be committed all the same.
    /// </param>
    /// <exception cref="DbException">The change was not committed, or the connection broke before that was known.</exception>
    public Task<T> WriteAsync<T>(Func<DbConnection, DbTransaction, T> change, CancellationToken cancellationToken) =>
        WriteAsync(statements => change(statements.Connection, statements.Transaction!), cancellationToken);

    /// <inheritdoc cref="WriteAsync{T}(Func{DbConnection, DbTransaction, T}, CancellationToken)"/>
    /// <param name="change">The change, as above.</param>
    /// <param name="cancellationToken">Cancels the wait, as above.</param>
    /// <param name="exclusive">
    /// For a change that reads before it writes: changes with the same number see each other's results, whichever writer or process makes them.
    /// SQLite needs no lock for that, because it allows one writer at a time.
    /// </param>
    public async Task<T> WriteAsync<T>(Func<Statements, T> change, CancellationToken cancellationToken, long? exclusive = null)
    {
        var answer = new TaskCompletionSource<T>(TaskCreationOptions.RunContinuationsAsynchronously);
        T? result = default;
        var made = false;
        await _changes.Writer.WriteAsync(
            new Change(
                statements =>
                {
                    made = !cancellationToken.IsCancellationRequested; // a caller that saw a cancellation must not find the change made later
                    if (made)
                        result = change(statements);
                },
                () => _ = made ? answer.TrySetResult(result!) : answer.TrySetCanceled(cancellationToken),
                error => answer.TrySetException(error),
                exclusive),
            cancellationToken);
        return await answer.Task.WaitAsync(cancellationToken);
    }

    /// <summary>Writes the waiting changes, then stops the writers.</summary>
    public async ValueTask DisposeAsync()
    {
        _changes.Writer.TryComplete();
        await Task.WhenAll(_ended.Select(ended => ended.Task));
    }

    private void Write(TaskCompletionSource ended)
    {
        var group = new List<Change>(LargestGroup);
        using var session = new Session(_database);
        while (WaitToRead())
        {
            while (group.Count < LargestGroup && _changes.Reader.TryRead(out var change))
                group.Add(change);
            if (group.Count > 0)
                Commit(session, group);
            group.Clear();
        }
        ended.SetResult();
    }

    private bool WaitToRead() => _changes.Reader.WaitToReadAsync().AsTask().GetAwaiter().GetResult();

    private static void Commit(Session session, List<Change> group)
    {
        var running = (Change?)null;
        var made = false;
        try
        {
            using var transaction = session.Begin(out var statements);
            session.Lock(group);
            foreach (var change in group)
            {
                running = change;
                change.Run(statements);
            }
            running = null;
            made = true;
            transaction.Commit();
        }
        catch (Exception error) when (running is not null && group.Count > 1 && error is not DbException { IsTransient: true, SqlState: not Deadlock })
        {
            foreach (var change in group) // one bad change must not fail the others; or two groups took locks in opposite order, and one was aborted
                Commit(session, [change]);
            return;
        }
        catch (DbException error) when (!made && session.IsKept && error.IsTransient)
        {
            session.Close(); // the database was restarted since: nothing of this group was committed, so retry on a new connection
            Commit(session, group);
            return;
        }
#pragma warning disable CA1031 // every waiting caller must get the exception, and the writer must continue
        catch (Exception error)
#pragma warning restore CA1031
        {
            session.Close(); // its state is unknown
            foreach (var change in group)
                change.Failed(error);
            return;
        }
        foreach (var change in group)
            change.Committed();
    }

    /// <summary>A writer's connection, which is kept open from one group to the next.</summary>
    private sealed class Session(Database database) : IDisposable
    {
        private Statements? _statements;

        /// <summary>
        /// Whether the connection was kept from an earlier group. On PostgreSQL, Begin does not show whether it is still open, because it sends nothing
        /// before the first statement.
        /// </summary>
        public bool IsKept { get; private set; }

        public DbTransaction Begin(out Statements statements)
        {
            if (_statements is { } kept)
            {
                try
                {
                    statements = kept;
                    IsKept = !database.IsSqlite; // a SQLite connection can't break
                    return kept.Transaction = kept.Connection.BeginTransaction();
                }
                catch (DbException)
                {
                    Close(); // the database was restarted since; nothing was done yet, so retry on a new connection
                }
            }
            IsKept = false;
            _statements = statements = new Statements(database.Open(), prepares: database.IsSqlite);
            return statements.Transaction = statements.Connection.BeginTransaction(); // on SQLite "immediate", because a transaction that becomes a writer later can fail at once
        }

        /// <summary>Takes the locks in ascending order, in one statement, so that two groups that lock the same numbers can't deadlock on them.</summary>
        public void Lock(List<Change> group)
        {
            if (database.IsSqlite)
                return;
            long[] numbers = [.. group.Select(change => change.Exclusive).OfType<long>().Distinct().Order()];
            if (numbers.Length > 0)
                _statements!.Execute("SELECT pg_advisory_xact_lock(number) FROM unnest(@numbers) AS number", ("numbers", numbers));
        }

        public void Close()
        {
            _statements?.Dispose();
            _statements = null;
        }

        public void Dispose() => Close();
    }

    private sealed record Change(Action<Statements> Run, Action Committed, Action<Exception> Failed, long? Exclusive);
}
