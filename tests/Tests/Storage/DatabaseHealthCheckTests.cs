using Microsoft.Extensions.Diagnostics.HealthChecks;
using WorkinIt.Storage;
using WorkinIt.Web.Submissions;

namespace WorkinIt.Tests.Storage;

public sealed class DatabaseHealthCheckTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("workinit-storage-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task Database_is_healthy_while_changes_can_be_committed() =>
        (await CheckAsync("")).Status.ShouldBe(HealthStatus.Healthy);

    [Fact]
    public async Task Database_health_check_reports_a_read_only_file()
    {
        var result = await CheckAsync(";Mode=ReadOnly");
        result.Status.ShouldBe(HealthStatus.Unhealthy);
        result.Description.ShouldNotBeNull().ShouldContain("can't be written to (SQLite Error 8: 'attempt to write a readonly database'.)");
    }

    [Fact]
    public async Task Database_health_check_writes_on_every_probe()
    {
        var (database, store) = Open("");
        await store.ProbeAsync(CancellationToken.None);
        var before = Text();
        await store.ProbeAsync(CancellationToken.None);
        Text().ShouldNotBe(before);

        string? Text() => database.Read(statements => statements.Scalar<string>("SELECT text FROM submissions_probe"));
    }

    private async Task<HealthCheckResult> CheckAsync(string mode)
    {
        var (database, store) = Open(mode);
        return await new DatabaseHealthCheck(database, "submissions", store.ProbeAsync).CheckHealthAsync(new HealthCheckContext());
    }

    private (Database, SubmissionStore) Open(string mode)
    {
        var file = $"Data Source={Path.Combine(_folder, "submissions.db")}";
        Database.TryParse(file, out var database, out _).ShouldBeTrue();
        DatabaseSchema.Migrate(database!, typeof(CreateSubmissions).Assembly);
        Database.TryParse(file + mode, out var opened, out _).ShouldBeTrue();
        return (opened!, new SubmissionStore(opened!, new GroupCommit(opened!), TimeProvider.System));
    }
}
