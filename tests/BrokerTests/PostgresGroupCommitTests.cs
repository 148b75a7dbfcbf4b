using Dapper;
using WorkinIt.Storage;
using WorkinIt.Testbed;

namespace WorkinIt.BrokerTests;

[Trait("broker", "any")] // PostgreSQL alone
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

        // Every writer has something in hand, so that what comes next waits and goes into one group.
        using var one = new ManualResetEventSlim();
        using var rest = new ManualResetEventSlim();
        using var busy = new SemaphoreSlim(0);
        List<Task> holding = [];
        for (var number = 0; number < 4; number++)
        {
            var gate = number == 0 ? one : rest;
            holding.Add(writer.WriteAsync(
                _ =>
                {
                    busy.Release();
                    gate.Wait(TimeSpan.FromMinutes(2)); // whatever becomes of the test: else the writer, and the test run, would never end
                    return 0;
                },
                CancellationToken.None));
            await busy.WaitAsync(CancellationToken.None); // one after the other: else one writer might take them all
        }

        using var transaction = await other.BeginTransactionAsync(CancellationToken.None);
        await other.ExecuteAsync("SET LOCAL deadlock_timeout = '1min'; UPDATE numbers SET times = times + 1 WHERE number = 2", transaction: transaction);
        var both = writer.WriteAsync(
            (connection, within) => Update(connection, within, 1) + Update(connection, within, 2), CancellationToken.None);
        var more = writer.WriteAsync((connection, within) => connection.Execute("INSERT INTO numbers VALUES (3, 0)", transaction: within), CancellationToken.None);
        one.Set();
        using (var look = database.Open())
        {
            await Eventually.SeeAsync(
                () => look.ExecuteScalarAsync<long>("SELECT COUNT(*) FROM pg_locks WHERE NOT granted"), waiting => waiting == 1, "the group waits for the other's row");
        }
        await other.ExecuteAsync("UPDATE numbers SET times = times + 1 WHERE number = 1", transaction: transaction); // returns once the group has given way
        await transaction.CommitAsync(CancellationToken.None);

        (await both).ShouldBe(2);
        (await more).ShouldBe(1);
        rest.Set();
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
        await Task.WhenAll(Enumerable.Range(0, 100).Select(AddAsync)); // so that all of the writers have a connection

        await postgres.StopAsync();
        await postgres.StartAsync();

        for (var number = 100; number < 120; number++)
            (await AddAsync(number)).ShouldBe(1, $"{number}");
        using var look = database.Open();
        (await look.ExecuteScalarAsync<long>("SELECT COUNT(*) FROM numbers")).ShouldBe(120);

        Task<int> AddAsync(int number) => writer.WriteAsync(
            (connection, within) => connection.Execute("INSERT INTO numbers VALUES (@number)", new { number }, within), CancellationToken.None);
    }

    private static int Update(System.Data.Common.DbConnection connection, System.Data.Common.DbTransaction transaction, int number) =>
        connection.Execute("UPDATE numbers SET times = times + 1 WHERE number = @number", new { number }, transaction);
}
