using WorkinIt.Deliveries;
using WorkinIt.Storage;
using WorkinIt.Testbed;

namespace WorkinIt.BrokerTests;

[Trait("broker", "any")] // tests PostgreSQL only
public sealed class PostgresMigrationTests
{
    [Fact]
    public async Task Concurrent_migrations_of_one_PostgreSQL_database_run_one_at_a_time()
    {
        await using var postgres = await PostgresServer.CreateAsync();
        Database.TryParse(postgres.ConnectionString, out var database, out _).ShouldBeTrue();

        await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => Task.Run(() => DatabaseSchema.Migrate(database!, typeof(CreateDeliveries).Assembly))));

        DatabaseSchema.Check(database!, "deliveries").ShouldBeNull();
    }
}
