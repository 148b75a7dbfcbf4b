using WorkinIt.DeadLetters;

namespace WorkinIt.Tests.DeadLetters;

public sealed class TheAuditFile : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("workinit-audit-").FullName;

    private string FilePath => Path.Combine(_folder, "deep", "audit.jsonl");

    [Fact]
    public async Task Keeps_the_newest_version_of_each_entry_the_newest_first_and_is_its_owners_alone()
    {
        var (one, other) = (new AuditFile(FilePath), new AuditFile(FilePath)); // two processes
        await one.WriteAsync(Entry("1", "orders_error", 1), default);
        await other.WriteAsync(Entry("2", "other_error", 2), default);
        await one.WriteAsync(Entry("1", "orders_error", 1) with { Done = 5, EndedAt = DateTimeOffset.UnixEpoch }, default);

        (await other.ReadAsync(null, 10, default)).Select(entry => entry.Id).ShouldBe(["2", "1"]);
        (await other.ReadAsync("orders_error", 10, default)).ShouldHaveSingleItem().ShouldSatisfyAllConditions(it => it.Done.ShouldBe(5), it => it.EndedAt.ShouldNotBeNull());
        (await other.ReadAsync(null, 1, default)).Count.ShouldBe(1);
        if (!OperatingSystem.IsWindows())
            File.GetUnixFileMode(FilePath).ShouldBe(UnixFileMode.UserRead | UnixFileMode.UserWrite);
    }

    [Fact]
    public async Task Is_read_past_a_line_that_a_sudden_death_has_cut()
    {
        var audit = new AuditFile(FilePath);
        (await audit.ReadAsync(null, 10, default)).ShouldBeEmpty();
        await audit.WriteAsync(Entry("1", "orders_error", 1), default);
        await File.AppendAllTextAsync(FilePath, "{\"id\":\"2\",\"by\n");
        await audit.WriteAsync(Entry("3", "orders_error", 3), default);
        (await audit.ReadAsync(null, 10, default)).Select(entry => entry.Id).ShouldBe(["3", "1"]);
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private static AuditEntry Entry(string id, string queue, int second) =>
        new() { Id = id, At = DateTimeOffset.UnixEpoch.AddSeconds(second), By = "jane", Verb = "replay", Queue = queue };
}
