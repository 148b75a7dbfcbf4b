using WorkinIt.Tests.Catalogue;

namespace WorkinIt.BrokerTests.Catalogue;

[Trait("broker", "any")] // tests PostgreSQL only
public sealed class PostgresNotificationTests(CataloguePostgres postgres) : NotificationScenarios, IClassFixture<CataloguePostgres>
{
    protected override Task<string> CreateDatabaseAsync() => postgres.CreateDatabaseAsync();
}
