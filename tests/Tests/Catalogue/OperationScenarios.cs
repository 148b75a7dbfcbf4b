using WorkinIt.DeadLetters;
using WorkinIt.DeadLetters.Catalogue.Operations;

namespace WorkinIt.Tests.Catalogue;

/// <summary>What others see of an operation whose process was killed, on either database.</summary>
public abstract class OperationScenarios : CatalogueScenarios
{
    private OperationLog Log => new(Options.Database, Store.Commits, Time) { RunsOn = "ops-1 (workinit, process 7)" };

    [Fact]
    public async Task Interrupted_operation_is_shown_until_another_one_begins_on_its_queue()
    {
        await BeginAsync("1", Queue);
        await BeginAsync("2", "other_error");
        await BeginAsync("3", "third_error", isDryRun: true);
        await Log.ReportAsync("1", new OperationProgress(5, 10, 3, 1, 0, false) { OperationId = "audit1" }, default);
        Log.Interrupted().ShouldBeEmpty();

        Time.Advance(TimeSpan.FromSeconds(20));
        await Log.ReportAsync("2", new OperationProgress(1, 10, 1, 0, 0, false), default);
        Time.Advance(TimeSpan.FromSeconds(11));
        var interrupted = Log.Interrupted().ShouldHaveSingleItem();
        interrupted.Id.ShouldBe("1");
        interrupted.State(Time.GetUtcNow()).ShouldBe($"interrupted: last report {TestLetters.Noon.UtcDateTime:yyyy-MM-dd HH:mm:ss} UTC; 5 of 10 examined, 3 moved, 1 refused, on ops-1 (workinit, process 7)");
        Log.Running().ShouldHaveSingleItem().State(Time.GetUtcNow()).ShouldStartWith("running; 1 of 10 examined");

        await Log.EndAsync("2", new OperationProgress(10, 10, 10, 0, 0, false), "10 of 10 moved", null, default);
        await BeginAsync("4", Queue, isDryRun: true); // a dry run does not repeat it
        Log.Interrupted().Count.ShouldBe(1);
        await BeginAsync("5", Queue);
        Log.Interrupted().ShouldBeEmpty();
    }

    [Fact]
    public async Task Interrupted_operation_is_shown_for_a_day()
    {
        await BeginAsync("1", Queue);
        Time.Advance(TimeSpan.FromHours(23.9));
        Log.Interrupted().Count.ShouldBe(1);
        Time.Advance(TimeSpan.FromHours(0.2));
        Log.Interrupted().ShouldBeEmpty();
        Log.Find("1").ShouldNotBeNull();
    }

    [Fact]
    public async Task Audit_entry_without_an_end_leads_to_its_operation()
    {
        await BeginAsync("1", Queue);
        await BeginAsync("2", Queue);
        await Log.ReportAsync("1", new OperationProgress(5, 10, 3, 1, 0, false) { OperationId = "audit1" }, default);
        await Log.ReportAsync("1", new OperationProgress(6, 10, 3, 1, 0, false), default); // one without it does not remove it
        await Log.ReportAsync("2", new OperationProgress(5, 10, 3, 1, 0, false) { OperationId = "audit2" }, default);

        var found = Log.OfAudit(["audit1", "nope"]);
        found.Keys.ShouldBe(["audit1"]);
        (found["audit1"].Id, found["audit1"].Examined, found["audit1"].RunsOn).ShouldBe(("1", 6, "ops-1 (workinit, process 7)"));
        await Log.EndAsync("2", new OperationProgress(10, 10, 10, 0, 0, false), "done", null, default);
        Log.OfAudit(["audit2"]).ShouldBeEmpty();
        Log.Find("2")!.AuditId.ShouldBe("audit2");
        Log.OfAudit([]).ShouldBeEmpty();
    }

    private async Task BeginAsync(string id, string queue, bool isDryRun = false)
    {
        await Log.BeginAsync(new SharedOperation { Id = id, Queue = queue, Title = $"replay all in {queue}", By = "jane", IsDryRun = isDryRun, StartedAt = Time.GetUtcNow() }, null, default);
        if (isDryRun)
            await Log.EndAsync(id, new OperationProgress(1, 1, 1, 0, 0, false), "1 of 1 would be moved", null, default);
    }
}
