using Dapper;
using WorkinIt.Storage;
using WorkinIt.Testbed;

namespace WorkinIt.BrokerTests;

[Trait("broker", "any")] // tests PostgreSQL only
public sealed class PostgresGroupCommitTests
{
    [Fact]
    public async Task Group_commit_that_deadlocks_with_another_transaction_is_written_after_all()
    {
        await using var postgres = await PostgresServer.CreateAsync();
        Database.TryParse(postgres.ConnectionString, out var database, out _).ShouldBeTrue();
        using var other = database.Open();
        await other.ExecuteAsync("CREATE TABLE numbers (number INTEGER PRIMARY KEY, times INTEGER NOT NULL); INSERT INTO numbers VALUES (1, 0), (2, 0)");
        await using var writer = new GroupCommit(database);

        // Every writer is kept busy, so that the next writes wait and form one group.
        using var firstGate = new ManualResetEventSlim();
        using var otherGates = new ManualResetEventSlim();
        using var busy = new SemaphoreSlim(0);
        List<Task> holding = [];
        for (var number = 0; number < 4; number++)
        {
            var gate = number == 0 ? firstGate : otherGates;
            holding.Add(writer.WriteAsync(
                _ =>
                {
                    busy.Release();
                    gate.Wait(TimeSpan.FromMinutes(2)); // with a limit: if the test fails, the writer and the test run must still end
                    return 0;
                },
                CancellationToken.None));
            await busy.WaitAsync(CancellationToken.None); // one at a time: otherwise one writer might take several in one group
        }

        using var transaction = await other.BeginTransactionAsync(CancellationToken.None);
        await other.ExecuteAsync("SET LOCAL deadlock_timeout = '1min'; UPDATE numbers SET times = times + 1 WHERE number = 2", transaction: transaction);
        var both = writer.WriteAsync(
            (connection, within) => Update(connection, within, 1) + Update(connection, within, 2), CancellationToken.None);
        var more = writer.WriteAsync((connection, within) => connection.Execute("INSERT INTO numbers VALUES (3, 0)", transaction: within), CancellationToken.None);
        firstGate.Set();
        using (var observer = database.Open())
        {
            await Eventually.SeeAsync(
                () => observer.ExecuteScalarAsync<long>("SELECT COUNT(*) FROM pg_locks WHERE NOT granted"), waiting => waiting == 1, "the group waits for the row that the other transaction locked");
        }
        await other.ExecuteAsync("UPDATE numbers SET times = times + 1 WHERE number = 1", transaction: transaction); // returns once PostgreSQL has aborted the transaction of the group
        await transaction.CommitAsync(CancellationToken.None);

        (await both).ShouldBe(2);
        (await more).ShouldBe(1);
        otherGates.Set();
        await Task.WhenAll(holding);
        (await other.QueryAsync<int>("SELECT times FROM numbers ORDER BY number")).ShouldBe([2, 2, 0]);
    }

    [Fact]
    public async Task Writes_succeed_after_a_restart_of_PostgreSQL()
    {
        await using var postgres = await PostgresServer.CreateAsync();
        Database.TryParse(postgres.ConnectionString, out var database, out _).ShouldBeTrue();
        using (var first = database.Open())
            await first.ExecuteAsync("CREATE TABLE numbers (number INTEGER PRIMARY KEY)");
        await using var writer = new GroupCommit(database);
        await Task.WhenAll(Enumerable.Range(0, 100).Select(AddAsync)); // so that every writer has a connection

        await postgres.StopAsync();
        await postgres.StartAsync();

        for (var number = 100; number < 120; number++)
            (await AddAsync(number)).ShouldBe(1, $"{number}");
        using var reader = database.Open();
        (await reader.ExecuteScalarAsync<long>("SELECT COUNT(*) FROM numbers")).ShouldBe(120);

        Task<int> AddAsync(int number) => writer.WriteAsync(
            (connection, within) => connection.Execute("INSERT INTO numbers VALUES (@number)", new { number }, within), CancellationToken.None);
    }

    private static int Update(System.Data.Common.DbConnection connection, System.Data.Common.DbTransaction transaction, int number) =>
        connection.Execute("UPDATE numbers SET times = times + 1 WHERE number = @number", new { number }, transaction);
}
