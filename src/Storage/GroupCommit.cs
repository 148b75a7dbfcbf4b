using System.Data.Common;
using System.Threading.Channels;

namespace WorkinIt.Storage;

/// <summary>
/// Writes many small changes in few transactions: whatever waits while one commit reaches the disk goes into the next one.
/// One writer per process on SQLite, which takes one at a time anyway; a few on PostgreSQL.
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
    /// <param name="database">Where to.</param>
    public GroupCommit(Database database)
    {
        _database = database;
        var count = database.IsSqlite ? 1 : PostgresWriters;
        _ended = [.. Enumerable.Range(0, count).Select(_ => new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously))];
        // Threads of their own: SQLite has no asynchronous I/O, and a commit must not hold a thread that answers requests.
        _writers = [.. _ended.Select((ended, index) => new Thread(() => Write(ended)) { IsBackground = true, Name = $"group commit {index}" })];
        foreach (var writer in _writers)
            writer.Start();
    }

    /// <summary>Makes one change, and returns when it is committed.</summary>
    /// <typeparam name="T">What the change answers.</typeparam>
    /// <param name="change">
    /// Runs in a transaction together with others, and once more alone if one of those fails; so it must have no effect outside the database.
    /// </param>
    /// <param name="cancellationToken">Ends the wait. A change whose turn comes after that is not made; one that was being made may be committed all the same.</param>
    /// <exception cref="DbException">It was not committed, or the connection broke before that was known.</exception>
    public Task<T> WriteAsync<T>(Func<DbConnection, DbTransaction, T> change, CancellationToken cancellationToken) =>
        WriteAsync(statements => change(statements.Connection, statements.Transaction!), cancellationToken);

    /// <inheritdoc cref="WriteAsync{T}(Func{DbConnection, DbTransaction, T}, CancellationToken)"/>
    /// <param name="exclusive">
    /// Changes with the same number see each other's result, whichever writer or process makes them: for a change that reads before it writes. SQLite,
    /// with its one writer at a time, needs no lock for it.
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
                    made = !cancellationToken.IsCancellationRequested; // who was told "not now" must not find it done later
                    if (made)
                        result = change(statements);
                },
                () => _ = made ? answer.TrySetResult(result!) : answer.TrySetCanceled(cancellationToken),
                error => answer.TrySetException(error),
                exclusive),
            cancellationToken);
        return await answer.Task.WaitAsync(cancellationToken);
    }

    /// <summary>Writes what waits, then ends.</summary>
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
            foreach (var change in group) // one of them is bad, the others must not pay for it; or two groups met in opposite orders, and one had to go
                Commit(session, [change]);
            return;
        }
        catch (DbException error) when (!made && session.IsKept && error.IsTransient)
        {
            session.Close(); // the database was restarted since: nothing of this group is committed, so once more on a new connection
            Commit(session, group);
            return;
        }
#pragma warning disable CA1031 // whatever it is, those who wait must hear of it, and the writer must live on
        catch (Exception error)
#pragma warning restore CA1031
        {
            session.Close(); // whatever state it is in
            foreach (var change in group)
                change.Failed(error);
            return;
        }
        foreach (var change in group)
            change.Committed();
    }

    /// <summary>A writer's connection, which stays open from one group to the next.</summary>
    private sealed class Session(Database database) : IDisposable
    {
        private Statements? _statements;

        /// <summary>Whether the connection is an earlier group's. Of PostgreSQL's, Begin does not tell whether it still stands: it sends nothing before the first statement.</summary>
        public bool IsKept { get; private set; }

        public DbTransaction Begin(out Statements statements)
        {
            if (_statements is { } kept)
            {
                try
                {
                    statements = kept;
                    IsKept = !database.IsSqlite; // which is never away
                    return kept.Transaction = kept.Connection.BeginTransaction();
                }
                catch (DbException)
                {
                    Close(); // the database was restarted since; nothing was done yet, so once more on a new one
                }
            }
            IsKept = false;
            _statements = statements = new Statements(database.Open(), prepares: database.IsSqlite);
            return statements.Transaction = statements.Connection.BeginTransaction(); // on SQLite "immediate": one that upgrades later fails at once
        }

        /// <summary>In ascending order, in one statement: two groups that lock the same numbers then never wait for each other in a circle.</summary>
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
