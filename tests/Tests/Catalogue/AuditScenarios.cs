using System.Diagnostics;
using System.Globalization;
using System.Text;
using System.Text.Json;
using Microsoft.Data.Sqlite;
using WorkinIt.DeadLetters;
using WorkinIt.DeadLetters.Catalogue.Audit;
using WorkinIt.DeadLetters.Catalogue.Store;
using WorkinIt.Storage;

namespace WorkinIt.Tests.Catalogue;

/// <summary>The audit log in the catalogue's database, on either database.</summary>
public abstract class AuditScenarios : CatalogueScenarios
{
    private readonly string _folder = Directory.CreateTempSubdirectory("workinit-audit-").FullName;

    private AuditFile File => new(Path.Combine(_folder, "audit.jsonl"));

    private CatalogueAuditLog Audit => NewAudit(() => Task.FromResult(Store));

    [Fact]
    public async Task Audit_returns_the_newest_version_of_each_entry_newest_first_of_one_queue_or_all_page_by_page()
    {
        var (one, other) = (Audit, Audit); // two processes
        await one.WriteAsync(Entry("1", "orders_error", 1), default);
        await other.WriteAsync(Entry("2", "other_error", 2), default);
        await one.WriteAsync(Entry("1", "orders_error", 1) with { Done = 5, EndedAt = DateTimeOffset.UnixEpoch, Messages = ["m1", "m2"] }, default);
        for (var number = 3; number <= 7; number++)
            await one.WriteAsync(Entry($"{number}", "orders_error", 3), default); // all at the same time

        (await other.ReadAsync(null, 10, default)).Select(entry => entry.Id).ShouldBe(["7", "6", "5", "4", "3", "2", "1"]);
        (await other.ReadAsync("orders_error", 10, default)).Select(entry => entry.Id).ShouldBe(["7", "6", "5", "4", "3", "1"]);
        (await other.ReadAsync(null, 2, default)).Select(entry => entry.Id).ShouldBe(["7", "6"]);
        (await other.ReadBeforeAsync(null, "6", 2, default)).Select(entry => entry.Id).ShouldBe(["5", "4"]);
        (await other.ReadBeforeAsync("orders_error", "3", 2, default)).Select(entry => entry.Id).ShouldBe(["1"]);
        (await other.ReadBeforeAsync(null, "nope", 2, default)).ShouldBeEmpty();
        (await other.FindAsync("1", default))!.ShouldSatisfyAllConditions(it => it.Done.ShouldBe(5), it => it.Messages.ShouldBe(["m1", "m2"]), it => it.EndedAt.ShouldNotBeNull());
        (await other.FindAsync("8", default)).ShouldBeNull();
    }

    [Fact]
    public async Task Audit_keeps_entries_whose_texts_the_database_cannot_store_as_they_are()
    {
        var queue = "orders\0\ud83d_error";
        await Audit.WriteAsync(Entry("1", queue, 1) with { Filter = "text=\0", Original = "{\"a\":\"\\u0000\"}", Edited = new string('x', 2_000_000) }, default);

        var read = (await Audit.ReadAsync(queue, 10, default)).ShouldHaveSingleItem();
        (read.Filter, read.Original, read.Edited!.Length).ShouldBe(("text=\0", "{\"a\":\"\\u0000\"}", 2_000_000));
    }

    [Fact]
    public async Task Pages_of_the_audit_are_fast_with_100_000_entries()
    {
        const int limit = 50; // ms
        await Store.Commits.WriteAsync(
            statements => statements.Execute(
                """
                INSERT INTO catalogue_audit (id, at, queue, ended_at, entry)
                WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100000)
                SELECT CAST(1000000 + i AS TEXT), i, CASE WHEN i % 50 = 0 THEN 'rare_error' ELSE 'orders_error' END, i,
                  '{"id":"' || CAST(1000000 + i AS TEXT) || '","at":"2026-01-01T00:00:00+00:00","by":"jane","verb":"replay","queue":"orders_error","messages":["0199c4f0-0000-7000-8000-000000000001","0199c4f0-0000-7000-8000-000000000002"]}'
                FROM n
                """),
            default);
        (await Audit.ReadAsync(null, 1, default)).ShouldHaveSingleItem().Id.ShouldBe("1100000");

        Milliseconds(statements => AuditRows.Read(statements, null, null, 200)).ShouldBeLessThan(limit);
        Milliseconds(statements => AuditRows.Read(statements, "rare_error", null, 200)).ShouldBeLessThan(limit);
        Milliseconds(statements => AuditRows.Read(statements, "rare_error", "1050000", 200)).ShouldBeLessThan(limit);
        Milliseconds(statements => AuditRows.Find(statements, "1000001")).ShouldBeLessThan(limit);
    }

    [Fact]
    public async Task Original_messages_of_a_repair_are_kept_byte_for_byte_until_the_retention_ends()
    {
        OriginalMessage[] originals =
        [
            new("a", "m1", """{ "price" : 1.50, "für": "\ud83d" }"""u8.ToArray()), new("b", null, "null"u8.ToArray()),
            .. Enumerable.Range(0, 30).Select(number => new OriginalMessage($"large {number}", null, Encoding.UTF8.GetBytes($"\"{new string('x', 100_000)}{number}\""))), // several rows
        ];
        await Audit.KeepOriginalsAsync("1", originals, default);
        await Audit.KeepOriginalsAsync("2", [new OriginalMessage("d", "m4", "4"u8.ToArray())], default);
        await Audit.KeepOriginalsAsync("1", [new OriginalMessage("e", "m5", "5"u8.ToArray())], default);

        var lines = await Audit.OriginalLinesAsync("1", default).ToListAsync();
        lines.Select(line => Encoding.UTF8.GetBytes(JsonDocument.Parse(line).RootElement.GetProperty("original").GetString()!)).ShouldBe([.. originals.Select(original => original.Json.ToArray()), "5"u8.ToArray()]);
        lines[1].ShouldBe("""{"id":"b","messageId":null,"original":"null"}""");
        Time.Advance(Options.Retention - TimeSpan.FromMinutes(1));
        await Audit.KeepOriginalsAsync("3", [new OriginalMessage("f", null, "6"u8.ToArray())], default);
        await Writer.PruneAsync(default);
        (await Audit.OriginalLinesAsync("1", default).CountAsync()).ShouldBe(33);
        Time.Advance(TimeSpan.FromMinutes(2));
        await Writer.PruneAsync(default);
        (await Audit.OriginalLinesAsync("1", default).CountAsync()).ShouldBe(0);
        (await Audit.OriginalLinesAsync("3", default).CountAsync()).ShouldBe(1);
    }

    [Fact]
    public async Task Entries_of_an_audit_file_are_added_once_and_never_replace_newer_ones()
    {
        await File.WriteAsync(Entry("1", "orders_error", 1), default);
        await File.WriteAsync(Entry("1", "orders_error", 1) with { Done = 5, EndedAt = DateTimeOffset.UnixEpoch }, default);
        await File.WriteAsync(Entry("2", "orders_error", 2), default); // runs
        await File.WriteAsync(Entry("3", "orders_error", 3), default);
        await Audit.WriteAsync(Entry("3", "orders_error", 3) with { Done = 7, EndedAt = DateTimeOffset.UnixEpoch }, default);
        var content = await System.IO.File.ReadAllBytesAsync(File.FilePath);

        (await ImportAsync()).ShouldBe(2);
        (await ImportAsync()).ShouldBe(0);
        (await System.IO.File.ReadAllBytesAsync(File.FilePath)).ShouldBe(content);
        (await Audit.ReadAsync(null, 10, default)).Select(entry => (entry.Id, entry.Done, entry.EndedAt is null)).ShouldBe([("3", 7, false), ("2", 0, true), ("1", 5, false)]);

        await File.WriteAsync(Entry("2", "orders_error", 2) with { Done = 6, EndedAt = DateTimeOffset.UnixEpoch }, default); // an instance of the earlier version ends it
        await File.WriteAsync(Entry("4", "orders_error", 4), default);
        (await ImportAsync()).ShouldBe(2);
        (await Audit.ReadAsync(null, 10, default)).Select(entry => (entry.Id, entry.Done)).ShouldBe([("4", 0), ("3", 7), ("2", 6), ("1", 5)]);
    }

    [Fact]
    public async Task Missing_audit_file_adds_nothing() => (await ImportAsync()).ShouldBe(0);

    [Fact]
    public async Task Erasure_removes_personal_data_from_the_audit_in_the_database_and_keeps_the_entries()
    {
        await Audit.WriteAsync(Entry("1", "orders_error", 1) with { Verb = "edit", Original = """{"to":"jane"}""", Edited = """{"to":"john"}""", Messages = ["m1"] }, default);
        await Audit.WriteAsync(Entry("2", "orders_error", 2) with { Filter = "text=jane" }, default);
        await Audit.WriteAsync(Entry("3", "orders_error", 3) with { Verb = "edit", Original = """{"to":"ann"}""", Edited = """{"to":"anna"}""", Filter = "text=ann" }, default);
        await Audit.WriteAsync(Entry("4", "orders_error", 4) with { Verb = "repair", Patch = """[{"op":"test","path":"/to","value":"jane"}]""" }, default);
        await Audit.KeepOriginalsAsync("3", [new OriginalMessage("a", "m1", """{"to":"jane"}"""u8.ToArray()), new OriginalMessage("b", "m2", """{"to":"ann"}"""u8.ToArray())], default);
        await Audit.KeepOriginalsAsync("5", [new OriginalMessage("c", "m3", """{"to":"ann"}"""u8.ToArray())], default);
        var erasure = new AuditErasure(Options.Database);
        var before = JsonSerializer.Serialize(await Audit.ReadAsync(null, 10, default));

        (await erasure.RunAsync(IsJane, dryRun: true, default)).ShouldBe(4);
        JsonSerializer.Serialize(await Audit.ReadAsync(null, 10, default)).ShouldBe(before);
        (await erasure.RunAsync(IsJane, dryRun: false, default)).ShouldBe(4);

        var entries = (await Audit.ReadAsync(null, 10, default)).ToDictionary(entry => entry.Id);
        entries["1"].ShouldSatisfyAllConditions(it => it.Verb.ShouldBe("edit"), it => it.Messages.ShouldBe(["m1"]), it => it.Original.ShouldBeNull(), it => it.Edited.ShouldBeNull());
        entries["2"].Filter.ShouldBe("(erased)");
        entries["3"].ShouldSatisfyAllConditions(it => it.Original.ShouldBe("""{"to":"ann"}"""), it => it.Filter.ShouldBe("text=ann"));
        entries["4"].Patch.ShouldBe("(erased)");
        (await Audit.OriginalLinesAsync("3", default).ToListAsync()).ShouldBe(["""{"id":"a","messageId":"m1","original":null}""", """{"id":"b","messageId":"m2","original":"{\u0022to\u0022:\u0022ann\u0022}"}"""]);
        (await Audit.OriginalLinesAsync("5", default).CountAsync()).ShouldBe(1);
        (await erasure.RunAsync(IsJane, dryRun: false, default)).ShouldBe(0);

        static bool IsJane(string text) => text.Contains("jane", StringComparison.Ordinal);
    }

    [Fact]
    public async Task Ends_of_operations_that_are_written_during_an_erasure_are_not_lost()
    {
        var operations = Enumerable.Range(0, 40).Select(number => $"{number:00}").ToList();
        foreach (var id in operations)
            await Audit.WriteAsync(Entry(id, "orders_error", 1) with { Filter = "text=jane" }, default);
        var ends = Task.Run(async () =>
        {
            foreach (var id in operations)
                await Audit.WriteAsync(Entry(id, "orders_error", 1) with { Filter = "text=jane", Done = 5, EndedAt = DateTimeOffset.UnixEpoch }, default);
        });
        while (!ends.IsCompleted)
            await new AuditErasure(Options.Database).RunAsync(text => text == "text=jane", dryRun: false, default);
        await ends;
        await new AuditErasure(Options.Database).RunAsync(text => text == "text=jane", dryRun: false, default);

        (await Audit.ReadAsync(null, 100, default)).ShouldAllBe(entry => entry.Done == 5 && entry.EndedAt != null && entry.Filter == "(erased)");
    }

    [Fact]
    public async Task Operation_does_not_begin_without_the_database_and_its_end_waits_for_it()
    {
        var away = true;
        var audit = new CatalogueAuditLog(Options, () => away ? Task.FromException<CatalogueStore>(new SqliteException("database or disk is full", 13)) : Task.FromResult(Store), TimeProvider.System, File);
        var refused = await Should.ThrowAsync<CatalogueUnavailableException>(() => audit.WriteAsync(Entry("1", "orders_error", 1), default));
        refused.Message.ShouldContain("database or disk is full");
        refused.Message.ShouldContain("check CatalogueOptions.Database");
        (await Should.ThrowAsync<CatalogueUnavailableException>(() => audit.WriteAsync(Entry("2", "orders_error", 1) with { Verb = "reveal", EndedAt = DateTimeOffset.UnixEpoch }, default).WaitAsync(TimeSpan.FromSeconds(1))))
            .Message.ShouldContain("disk is full"); // at once: nothing was revealed
        away = false;
        await audit.WriteAsync(Entry("1", "orders_error", 1), default);
        away = true;
        var end = audit.WriteAsync(Entry("1", "orders_error", 1) with { Done = 5, EndedAt = DateTimeOffset.UnixEpoch }, default);
        await Task.Delay(TimeSpan.FromSeconds(1.5), TestContext.Current.CancellationToken);
        end.IsCompleted.ShouldBeFalse();
        away = false;
        await end.WaitAsync(TimeSpan.FromSeconds(10), TestContext.Current.CancellationToken);
        (await Audit.FindAsync("1", default))!.Done.ShouldBe(5);
    }

    [Fact]
    public async Task Database_that_is_not_open_yet_is_reported_after_3_seconds()
    {
        var audit = NewAudit(() => new TaskCompletionSource<CatalogueStore>().Task);
        var write = audit.WriteAsync(Entry("1", "orders_error", 1), default);
        Time.Advance(TimeSpan.FromSeconds(3));
        (await Should.ThrowAsync<CatalogueUnavailableException>(() => write.WaitAsync(TimeSpan.FromSeconds(10)))).Message.ShouldContain("holds the audit log, is not ready");
    }

    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
        GC.SuppressFinalize(this);
    }

    private static AuditEntry Entry(string id, string queue, int second) =>
        new() { Id = id, At = DateTimeOffset.UnixEpoch.AddSeconds(second), By = "joe", Verb = "replay", Queue = queue };

    // The median: a single one may wait for another process of the machine. Without the time that PostgreSQL needs for a new connection.
    private double Milliseconds(Func<Statements, object?> read) => Options.Database.Read(statements =>
    {
        var times = new List<double>();
        for (var run = 0; run < 9; run++)
        {
            var watch = Stopwatch.StartNew();
            read(statements);
            times.Add(watch.Elapsed.TotalMilliseconds);
        }
        times.Sort();
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"  audit of 100,000 entries: {times[4]:F1} ms"));
        return times[4];
    });

    private CatalogueAuditLog NewAudit(Func<Task<CatalogueStore>> store) => new(Options, store, Time, File);

    private Task<int> ImportAsync() => AuditImport.RunAsync(File, Store.Commits, Options.Database, Time.GetUtcNow(), default);
}
