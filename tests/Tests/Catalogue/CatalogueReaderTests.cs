namespace WorkinIt.Tests.Catalogue;

public sealed class CatalogueReaderTests : CatalogueReaderScenarios
{
    private readonly SqliteFolder _folder = new();

    protected override Task<string> CreateDatabaseAsync() => Task.FromResult(_folder.ConnectionString);

    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        _folder.Dispose();
    }
}

/// <summary>A temporary folder for a SQLite file.</summary>
internal sealed class SqliteFolder : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("workinit-catalogue-").FullName;

    public string File => Path.Combine(_folder, "catalogue.db");

    public string ConnectionString => $"Data Source={File}";

    public void Dispose() => Directory.Delete(_folder, recursive: true);
}
