namespace WorkinIt.Tests.Catalogue;

/// <summary>A SQLite file in a temporary folder.</summary>
public sealed class CatalogueWriterTests : CatalogueWriterScenarios
{
    private readonly string _folder = Directory.CreateTempSubdirectory("workinit-catalogue-").FullName;

    protected override Task<string> CreateDatabaseAsync() => Task.FromResult($"Data Source={Path.Combine(_folder, "catalogue.db")}");

    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }
}
