using WorkinIt.Deliveries;
using WorkinIt.Storage;

namespace WorkinIt.Tests.Storage;

public sealed class TheMigration : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("workinit-storage-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task Is_made_by_one_at_a_time_however_many_are_started()
    {
        Database.TryParse($"Data Source={Path.Combine(_folder, "deliveries.db")}", out var database, out _).ShouldBeTrue();

        await Task.WhenAll(Enumerable.Range(0, 6).Select(_ => Task.Run(() => DatabaseSchema.Migrate(database!, typeof(CreateDeliveries).Assembly))));

        DatabaseSchema.Check(database!, "deliveries").ShouldBeNull();
    }
}
