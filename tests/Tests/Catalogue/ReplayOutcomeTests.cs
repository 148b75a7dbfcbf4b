namespace WorkinIt.Tests.Catalogue;

public sealed class ReplayOutcomeTests : ReplayOutcomeScenarios
{
    private readonly SqliteFolder _folder = new();

    protected override Task<string> CreateDatabaseAsync() => Task.FromResult(_folder.ConnectionString);

    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        _folder.Dispose();
    }
}
