using Npgsql;
using WorkinIt.DeadLetters.Catalogue;
using WorkinIt.DeadLetters.Catalogue.Store;
using WorkinIt.Storage;
using WorkinIt.Testbed;
using WorkinIt.Tests.Catalogue;

namespace WorkinIt.BrokerTests.Catalogue;

/// <summary>
/// One server for the tests of a class; each test has a database of its own. As deploy/kubernetes/README.md says, one role owns the tables, and the
/// catalogue's role has only the rights to their rows.
/// </summary>
public sealed class CataloguePostgres : IAsyncLifetime
{
    private PostgresServer? _server;
    private int _databases;

    public async ValueTask InitializeAsync()
    {
        _server = await PostgresServer.CreateAsync();
        await ExecuteAsync(_server.ConnectionString, "CREATE ROLE owner LOGIN; CREATE ROLE console LOGIN");
    }

    public ValueTask DisposeAsync() => _server!.DisposeAsync();

    public async Task<string> CreateDatabaseAsync()
    {
        var name = $"catalogue{Interlocked.Increment(ref _databases)}";
        await ExecuteAsync(_server!.ConnectionString, $"CREATE DATABASE {name}");
        await ExecuteAsync(Connection(name, "postgres"), """
            CREATE EXTENSION IF NOT EXISTS pg_trgm;
            GRANT CREATE, USAGE ON SCHEMA public TO owner;
            GRANT USAGE ON SCHEMA public TO console;
            ALTER DEFAULT PRIVILEGES FOR ROLE owner IN SCHEMA public GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO console;
            """);
        await using (CatalogueStore.Open(new CatalogueOptions { Database = Database.Parse(Connection(name, "owner")) }, TimeProvider.System))
            return Connection(name, "console");
    }

    // Without a pool: the idle connections of many databases would be more than the server allows.
    private string Connection(string database, string user) =>
        new NpgsqlConnectionStringBuilder(_server!.ConnectionString) { Database = database, Username = user, Pooling = false }.ConnectionString;

    private static async Task ExecuteAsync(string connectionString, string sql)
    {
        await using var source = NpgsqlDataSource.Create(connectionString);
        await using var command = source.CreateCommand(sql);
        await command.ExecuteNonQueryAsync();
    }
}

[Trait("broker", "any")] // tests PostgreSQL only
public sealed class PostgresCatalogueWriterTests(CataloguePostgres postgres) : CatalogueWriterScenarios, IClassFixture<CataloguePostgres>
{
    protected override Task<string> CreateDatabaseAsync() => postgres.CreateDatabaseAsync();
}

[Trait("broker", "any")]
public sealed class PostgresCatalogueReaderTests(CataloguePostgres postgres) : CatalogueReaderScenarios, IClassFixture<CataloguePostgres>
{
    protected override Task<string> CreateDatabaseAsync() => postgres.CreateDatabaseAsync();
}

[Trait("broker", "any")]
public sealed class PostgresCatalogueBoardTests(CataloguePostgres postgres) : CatalogueBoardScenarios, IClassFixture<CataloguePostgres>
{
    protected override Task<string> CreateDatabaseAsync() => postgres.CreateDatabaseAsync();
}

[Trait("broker", "any")]
public sealed class PostgresCatalogueKeptTests(CataloguePostgres postgres) : CatalogueKeptScenarios, IClassFixture<CataloguePostgres>
{
    protected override Task<string> CreateDatabaseAsync() => postgres.CreateDatabaseAsync();
}

[Trait("broker", "any")]
public sealed class PostgresCatalogueModelTests(CataloguePostgres postgres) : CatalogueModelScenarios, IClassFixture<CataloguePostgres>
{
    protected override Task<string> CreateDatabaseAsync() => postgres.CreateDatabaseAsync();
}

[Trait("broker", "any")]
public sealed class PostgresAuditTests(CataloguePostgres postgres) : AuditScenarios, IClassFixture<CataloguePostgres>
{
    protected override Task<string> CreateDatabaseAsync() => postgres.CreateDatabaseAsync();
}

[Trait("broker", "any")]
public sealed class PostgresOperationTests(CataloguePostgres postgres) : OperationScenarios, IClassFixture<CataloguePostgres>
{
    protected override Task<string> CreateDatabaseAsync() => postgres.CreateDatabaseAsync();
}

[Trait("broker", "any")]
public sealed class PostgresReplayOutcomeTests(CataloguePostgres postgres) : ReplayOutcomeScenarios, IClassFixture<CataloguePostgres>
{
    protected override Task<string> CreateDatabaseAsync() => postgres.CreateDatabaseAsync();
}
