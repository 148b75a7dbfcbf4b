using WorkinIt.Deliveries;
using WorkinIt.Storage;

namespace WorkinIt.Tests.Storage;

public sealed class SqliteMigrationTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("workinit-storage-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task Concurrent_migrations_of_one_SQLite_database_run_one_at_a_time()
    {
        Database.TryParse($"Data Source={Path.Combine(_folder, "deliveries.db")}", out var database, out _).ShouldBeTrue();

        await Task.WhenAll(Enumerable.Range(0, 6).Select(_ => Task.Run(() => DatabaseSchema.Migrate(database!, typeof(CreateDeliveries).Assembly))));

        DatabaseSchema.Check(database!, "deliveries").ShouldBeNull();
    }
}
