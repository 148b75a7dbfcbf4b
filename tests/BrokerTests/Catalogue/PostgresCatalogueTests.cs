using Npgsql;
using WorkinIt.Testbed;
using WorkinIt.Tests.Catalogue;

namespace WorkinIt.BrokerTests.Catalogue;

/// <summary>One server for the tests of a class; each test has a database of its own.</summary>
public sealed class CataloguePostgres : IAsyncLifetime
{
    private PostgresServer? _server;
    private int _databases;

    public async ValueTask InitializeAsync() => _server = await PostgresServer.CreateAsync();

    public ValueTask DisposeAsync() => _server!.DisposeAsync();

    public async Task<string> CreateDatabaseAsync()
    {
        var name = $"catalogue{Interlocked.Increment(ref _databases)}";
        await using var connection = new NpgsqlConnection(_server!.ConnectionString);
        await connection.OpenAsync();
        await using var command = connection.CreateCommand();
#pragma warning disable CA2100 // a number of our own
        command.CommandText = $"CREATE DATABASE {name}";
#pragma warning restore CA2100
        await command.ExecuteNonQueryAsync();
        // Without a pool: the idle connections of many databases would be more than the server allows.
        return new NpgsqlConnectionStringBuilder(_server.ConnectionString) { Database = name, Pooling = false }.ConnectionString;
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
