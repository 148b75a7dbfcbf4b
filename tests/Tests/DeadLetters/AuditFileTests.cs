using System.Text.Json;
using WorkinIt.DeadLetters;

namespace WorkinIt.Tests.DeadLetters;

public sealed class AuditFileTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("workinit-audit-").FullName;

    private string FilePath => Path.Combine(_folder, "deep", "audit.jsonl");

    [Fact]
    public async Task Audit_file_returns_the_newest_version_of_each_entry_newest_first_and_is_private_to_its_owner()
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
    public async Task Audit_file_is_read_past_a_line_truncated_by_a_crash()
    {
        var audit = new AuditFile(FilePath);
        (await audit.ReadAsync(null, 10, default)).ShouldBeEmpty();
        await audit.WriteAsync(Entry("1", "orders_error", 1), default);
        await File.AppendAllTextAsync(FilePath, "{\"id\":\"2\",\"by\n");
        await audit.WriteAsync(Entry("3", "orders_error", 3), default);
        (await audit.ReadAsync(null, 10, default)).Select(entry => entry.Id).ShouldBe(["3", "1"]);
    }

    [Fact]
    public async Task Audit_entry_starts_on_its_own_line_after_a_line_truncated_by_a_full_disk()
    {
        var audit = new AuditFile(FilePath);
        await audit.WriteAsync(Entry("1", "orders_error", 1), default);
        await File.AppendAllTextAsync(FilePath, "{\"id\":\"2\",\"by\":\"ja");
        await audit.WriteAsync(Entry("3", "orders_error", 3), default);
        await audit.WriteAsync(Entry("4", "orders_error", 4), default);

        // Check the lines of the file: ReadAsync would also find an entry that was appended to the truncated line.
        (await File.ReadAllLinesAsync(FilePath)).Select(line => line.Length > 8 ? line[..8] : line).ShouldBe(["{\"id\":\"1", "{\"id\":\"2", "{\"id\":\"3", "{\"id\":\"4"]);
        (await audit.ReadAsync(null, 10, default)).Select(entry => entry.Id).ShouldBe(["4", "3", "1"]);
    }

    [Fact]
    public async Task Audit_entry_that_an_older_version_appended_to_a_truncated_line_is_read()
    {
        var audit = new AuditFile(FilePath);
        await audit.WriteAsync(Entry("1", "orders_error", 1), default);
        await File.AppendAllTextAsync(FilePath, "{\"id\":\"4\",\"at\":\"19" + (await File.ReadAllLinesAsync(FilePath))[0].Replace("\"id\":\"1\"", "\"id\":\"5\"", StringComparison.Ordinal) + "\n");
        await audit.WriteAsync(Entry("6", "orders_error", 6), default);
        (await audit.ReadAsync(null, 10, default)).Select(entry => entry.Id).ShouldBe(["6", "1", "5"], ignoreOrder: true);
    }

    [Fact]
    public async Task Erasure_removes_personal_data_from_audit_entries_and_keeps_the_entries()
    {
        var audit = new AuditFile(FilePath);
        await audit.WriteAsync(Entry("1", "orders_error", 1) with { Verb = "edit", Original = """{"to":"jane"}""", Edited = """{"to":"john"}""", Messages = ["m1"] }, default);
        await audit.WriteAsync(Entry("2", "orders_error", 2) with { Filter = "text=jane" }, default);
        await audit.WriteAsync(Entry("3", "orders_error", 3) with { Verb = "edit", Original = """{"to":"ann"}""", Edited = """{"to":"anna"}""", Filter = "text=ann" }, default);
        await File.AppendAllTextAsync(FilePath, "{\"id\":\"4\",\"filter\":\"jane\n{\"id\":\"5\",\"by\n");
        var before = await File.ReadAllTextAsync(FilePath);

        (await audit.EraseAsync(IsJane, dryRun: true, default)).ShouldBe(3);
        (await File.ReadAllTextAsync(FilePath)).ShouldBe(before);
        (await audit.EraseAsync(IsJane, dryRun: false, default)).ShouldBe(3);
        var after = await File.ReadAllLinesAsync(FilePath);
        after.ShouldNotContain(line => line.Replace("\"by\":\"jane\"", "", StringComparison.Ordinal).Contains("jane", StringComparison.Ordinal)); // the operator jane is not the erased jane
        after[2].ShouldBe(before.Split('\n')[2]);
        after[3].ShouldBe("{\"id\":\"5\",\"by");
        (await audit.ReadAsync(null, 10, default)).Single(entry => entry.Id == "1").ShouldSatisfyAllConditions(
            it => it.Verb.ShouldBe("edit"), it => it.Messages.ShouldBe(["m1"]), it => it.Original.ShouldBeNull(), it => it.Edited.ShouldBeNull());
        (await audit.EraseAsync(IsJane, dryRun: false, default)).ShouldBe(0);
        if (!OperatingSystem.IsWindows())
            File.GetUnixFileMode(FilePath).ShouldBe(UnixFileMode.UserRead | UnixFileMode.UserWrite);

        static bool IsJane(string text) => text.Contains("jane", StringComparison.Ordinal);
    }

    [Fact]
    public async Task Original_messages_of_a_repair_are_private_to_their_owner_and_start_on_their_own_line_after_a_truncated_one()
    {
        var audit = new AuditFile(FilePath);
        await audit.KeepOriginalsAsync("1", [new OriginalMessage("a", "m1", """{ "price" : 1.50, "für": "\ud83d" }"""u8.ToArray()), new OriginalMessage("b", null, "null"u8.ToArray())], default);
        var file = audit.OriginalsOf("1");
        await File.AppendAllTextAsync(file, "{\"id\":\"c\",\"orig");
        await new AuditFile(FilePath).KeepOriginalsAsync("1", [new OriginalMessage("d", "m4", "4"u8.ToArray())], default); // another process

        var lines = await File.ReadAllLinesAsync(file);
        lines.Length.ShouldBe(4);
        JsonDocument.Parse(lines[0]).RootElement.GetProperty("original").GetString().ShouldBe("""{ "price" : 1.50, "für": "\ud83d" }""");
        lines[1].ShouldBe("""{"id":"b","messageId":null,"original":"null"}""");
        lines[3].ShouldBe("""{"id":"d","messageId":"m4","original":"4"}""");
        if (!OperatingSystem.IsWindows())
        {
            File.GetUnixFileMode(file).ShouldBe(UnixFileMode.UserRead | UnixFileMode.UserWrite);
            File.GetUnixFileMode(Path.GetDirectoryName(file)!).ShouldBe(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        }
    }

    [Fact]
    public async Task Original_messages_of_a_repair_are_deleted_by_the_next_operation_after_30_days()
    {
        var audit = new AuditFile(FilePath);
        await audit.KeepOriginalsAsync("1", [new OriginalMessage("a", "m1", "1"u8.ToArray())], default);
        await audit.KeepOriginalsAsync("2", [new OriginalMessage("b", "m2", "2"u8.ToArray())], default);
        File.SetLastWriteTimeUtc(audit.OriginalsOf("1"), DateTime.UtcNow.AddDays(-30).AddMinutes(-1));
        File.SetLastWriteTimeUtc(audit.OriginalsOf("2"), DateTime.UtcNow.AddDays(-30).AddMinutes(1));
        (await audit.OriginalLinesAsync("1", default).CountAsync()).ShouldBe(1);

        await audit.WriteAsync(Entry("3", "orders_error", 3), default);

        File.Exists(audit.OriginalsOf("1")).ShouldBeFalse();
        (await audit.OriginalLinesAsync("1", default).CountAsync()).ShouldBe(0);
        (await audit.OriginalLinesAsync("2", default).CountAsync()).ShouldBe(1);
    }

    [Fact]
    public async Task Pages_of_the_audit_file_follow_each_other()
    {
        IAuditLog audit = new AuditFile(FilePath);
        foreach (var id in new[] { "1", "2", "3" })
            await audit.WriteAsync(Entry(id, "orders_error", 1), default);
        await audit.WriteAsync(Entry("4", "other_error", 1), default);

        (await audit.ReadAsync("orders_error", 2, default)).Select(entry => entry.Id).ShouldBe(["3", "2"]);
        (await audit.ReadBeforeAsync("orders_error", "2", 2, default)).Select(entry => entry.Id).ShouldBe(["1"]);
        (await audit.ReadBeforeAsync("orders_error", "nope", 2, default)).ShouldBeEmpty();
        (await audit.FindAsync("4", default))!.Queue.ShouldBe("other_error");
        (await audit.FindAsync("5", default)).ShouldBeNull();
    }

    [Fact]
    public async Task Erasure_removes_the_original_messages_and_the_patch_of_a_repair_and_keeps_those_of_others()
    {
        var audit = new AuditFile(FilePath);
        await audit.WriteAsync(Entry("1", "orders_error", 1) with { Verb = "repair", Patch = """[{"op":"test","path":"/to","value":"jane"}]""" }, default);
        await audit.WriteAsync(Entry("2", "orders_error", 2) with { Verb = "repair", Patch = "[]" }, default);
        await audit.KeepOriginalsAsync("2", [new OriginalMessage("a", "m1", """{"to":"jane"}"""u8.ToArray()), new OriginalMessage("b", "m2", """{"to":"ann"}"""u8.ToArray())], default);
        await audit.KeepOriginalsAsync("3", [new OriginalMessage("c", "m3", """{"to":"ann"}"""u8.ToArray())], default);
        var file = audit.OriginalsOf("2");
        await File.AppendAllTextAsync(file, "{\"id\":\"d\",\"original\":\"jane");
        var (before, others) = (await File.ReadAllTextAsync(file), await File.ReadAllTextAsync(audit.OriginalsOf("3")));

        (await audit.EraseAsync(IsJane, dryRun: true, default)).ShouldBe(2);
        (await File.ReadAllTextAsync(file)).ShouldBe(before);
        (await audit.EraseAsync(IsJane, dryRun: false, default)).ShouldBe(2);
        (await File.ReadAllLinesAsync(file)).ShouldBe(["""{"id":"a","messageId":"m1","original":null}""", before.Split('\n')[1]]);
        (await File.ReadAllTextAsync(audit.OriginalsOf("3"))).ShouldBe(others);
        (await audit.ReadAsync(null, 10, default)).Select(entry => entry.Patch).ShouldBe(["[]", "(erased)"]);
        (await audit.EraseAsync(IsJane, dryRun: false, default)).ShouldBe(0);
        if (!OperatingSystem.IsWindows())
            File.GetUnixFileMode(file).ShouldBe(UnixFileMode.UserRead | UnixFileMode.UserWrite);

        static bool IsJane(string text) => text.Contains("jane", StringComparison.Ordinal);
    }

    [Fact]
    public async Task Audit_entries_written_during_an_erasure_are_not_lost()
    {
        var audit = new AuditFile(FilePath);
        await audit.WriteAsync(Entry("0", "orders_error", 0), default);
        var writers = Enumerable.Range(1, 4).Select(writer => Task.Run(async () =>
        {
            for (var i = 0; i < 25; i++)
                await new AuditFile(FilePath).WriteAsync(Entry($"{writer}-{i}", "orders_error", i) with { Filter = $"text={i % 2}" }, default);
        })).ToList();
        while (writers.Any(writer => !writer.IsCompleted))
            await audit.EraseAsync(text => text == "text=1", dryRun: false, default);
        await Task.WhenAll(writers);
        (await audit.ReadAsync(null, 1000, default)).Count.ShouldBe(101);
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private static AuditEntry Entry(string id, string queue, int second) =>
        new() { Id = id, At = DateTimeOffset.UnixEpoch.AddSeconds(second), By = "jane", Verb = "replay", Queue = queue };
}
