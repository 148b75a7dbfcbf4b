using WorkinIt.Deliveries;
using WorkinIt.Storage;
using WorkinIt.Testbed;

namespace WorkinIt.BrokerTests;

[Trait("broker", "any")] // PostgreSQL alone
public sealed class MigrationsOnPostgres
{
    [Fact]
    public async Task Are_made_by_one_at_a_time_however_many_are_started()
    {
        await using var postgres = await PostgresServer.CreateAsync();
        Database.TryParse(postgres.ConnectionString, out var database, out _).ShouldBeTrue();

        await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => Task.Run(() => DatabaseSchema.Migrate(database!, typeof(CreateDeliveries).Assembly))));

        DatabaseSchema.Check(database!, "deliveries").ShouldBeNull();
    }
}
