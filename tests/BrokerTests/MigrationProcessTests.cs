using System.Diagnostics;
using WorkinIt.Storage;
using WorkinIt.Testbed;

namespace WorkinIt.BrokerTests;

/// <summary>Several processes with <c>--migrate</c> at once, as when two machines are upgraded at the same time.</summary>
[Trait("broker", "any")] // tests the databases only
public sealed class MigrationProcessTests
{
    private const int Times = 3;

    [Theory]
    [InlineData("SQLite")]
    [InlineData("PostgreSQL")]
    public async Task Concurrent_migration_processes_of_an_empty_database_all_succeed(string kind)
    {
        await using var postgres = kind == "PostgreSQL" ? await PostgresServer.CreateAsync() : null;
        await using var system = await WorkinItSystem.CreateAsync();
        for (var time = 1; time <= Times; time++)
        {
            var database = Use(system, postgres, time);
            if (postgres is not null)
                Empty(database);
            ServiceProcess[] processes = [system.NewWeb(), system.NewConsumers(), system.NewWeb(), system.NewConsumers()];

            var codes = await Task.WhenAll(processes.Select(process => process.RunAsync("--migrate"))).WaitAsync(TimeSpan.FromMinutes(2));

            codes.ShouldAllBe(code => code == 0, system.Logs);
            ShouldBeComplete(database);
        }
    }

    [Theory]
    [InlineData("SQLite")]
    [InlineData("PostgreSQL")]
    public async Task Migration_process_waits_until_another_migration_of_the_same_database_has_ended(string kind)
    {
        await using var postgres = kind == "PostgreSQL" ? await PostgresServer.CreateAsync() : null;
        await using var system = await WorkinItSystem.CreateAsync();
        var database = Use(system, postgres, 1);
        var (web, consumers) = (system.NewWeb(), system.NewConsumers());
        Task<int[]> waiting;
        using (MigrationTurn.Wait(database))
        {
            waiting = Task.WhenAll(web.RunAsync("--migrate"), consumers.RunAsync("--migrate"));
            var clock = Stopwatch.StartNew();
            await Task.WhenAny(waiting, Task.Delay(TimeSpan.FromSeconds(8), TestContext.Current.CancellationToken)); // a migration takes less
            waiting.IsCompleted.ShouldBeFalse($"ended after {clock.Elapsed.TotalSeconds:0.0} s\n{system.Logs}");
            DatabaseSchema.Check(database, "deliveries").ShouldNotBeNull();
        }

        (await waiting.WaitAsync(TimeSpan.FromMinutes(1))).ShouldBe([0, 0], system.Logs);
        ShouldBeComplete(database);
    }

    // The store and the ledger share one database: then all processes wait for each other.
    private static Database Use(WorkinItSystem system, PostgresServer? postgres, int time)
    {
        var connection = postgres?.ConnectionString ?? $"Data Source={Path.Combine(system.Folder, $"shared{time}.db")}";
        system.Settings["ConnectionStrings__Submissions"] = system.Settings["ConnectionStrings__Deliveries"] = connection;
        Database.TryParse(connection, out var database, out _).ShouldBeTrue();
        return database!;
    }

    private static void ShouldBeComplete(Database database)
    {
        foreach (var table in new[] { "submissions", "submissions_probe", "deliveries", "deliveries_probe", "opt_outs", "ledger_mark", "operator_sessions" })
            DatabaseSchema.Check(database, table).ShouldBeNull();
    }

    private static void Empty(Database database)
    {
        using var connection = database.Open();
        using var command = connection.CreateCommand();
        command.CommandText = "DROP SCHEMA public CASCADE; CREATE SCHEMA public";
        command.ExecuteNonQuery();
    }
}
