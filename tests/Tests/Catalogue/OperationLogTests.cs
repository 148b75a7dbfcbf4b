using Microsoft.Extensions.Time.Testing;
using WorkinIt.DeadLetters;
using WorkinIt.DeadLetters.Catalogue;
using WorkinIt.DeadLetters.Catalogue.Operations;
using WorkinIt.DeadLetters.Dashboard.Operations;
using WorkinIt.Storage;

namespace WorkinIt.Tests.Catalogue;

public sealed class OperationLogTests : IAsyncDisposable
{
    private static readonly CancellationToken _none = CancellationToken.None;

    private readonly string _folder = Directory.CreateTempSubdirectory("workinit-operations-").FullName;
    private readonly FakeTimeProvider _time = new(DateTimeOffset.UnixEpoch.AddYears(60));
    private readonly Database _database;
    private readonly GroupCommit _commits;
    private readonly OperationLog _log;

    public OperationLogTests()
    {
        Database.TryParse($"Data Source={Path.Combine(_folder, "catalogue.db")}", out var database, out var error).ShouldBeTrue(error);
        DatabaseSchema.Migrate(database!, typeof(CreateOperations).Assembly);
        (_database, _commits) = (database!, new GroupCommit(database!));
        _log = new OperationLog(_database, _commits, _time);
    }

    [Fact]
    public async Task Progress_and_end_of_an_operation_are_seen_by_others()
    {
        await _log.BeginAsync(Operation("1", isDryRun: false), null, _none);
        (await _log.ReportAsync("1", new OperationProgress(5, 10, 3, 1, 0, false), _none)).ShouldBeFalse();

        _log.Running().ShouldHaveSingleItem().ShouldSatisfyAllConditions(
            it => it.Title.ShouldBe("replay all in orders_error"), it => it.By.ShouldBe("jane"), it => (it.Examined, it.Total, it.Done, it.Refused).ShouldBe((5, 10, 3, 1)));
        await _log.EndAsync("1", new OperationProgress(10, 10, 8, 2, 0, false), "8 of 10 replayed", null, _none);
        _log.Running().ShouldBeEmpty();
        _log.Find("1")!.ShouldSatisfyAllConditions(it => it.Result.ShouldBe("8 of 10 replayed"), it => it.Done.ShouldBe(8), it => it.EndedAt.ShouldBe(_time.GetUtcNow()), it => it.CanRun.ShouldBeFalse());
        _log.Find("2").ShouldBeNull();
    }

    [Fact]
    public async Task Operation_without_news_for_half_a_minute_is_not_running()
    {
        await _log.BeginAsync(Operation("1", isDryRun: false), null, _none);
        _time.Advance(TimeSpan.FromSeconds(29));
        _log.Running().Count.ShouldBe(1);
        _time.Advance(TimeSpan.FromSeconds(1));
        _log.Running().ShouldBeEmpty();
        _log.Find("1")!.EndedAt.ShouldBeNull();
    }

    [Fact]
    public async Task Cancel_reaches_the_instance_that_runs_the_operation_and_not_one_that_has_ended()
    {
        await _log.BeginAsync(Operation("1", isDryRun: false), null, _none);
        (await _log.CancelAsync("1", _none)).ShouldBeTrue();
        (await _log.ReportAsync("1", new OperationProgress(1, 1, 1, 0, 0, false), _none)).ShouldBeTrue();
        await _log.EndAsync("1", new OperationProgress(1, 1, 1, 0, 0, false), null, "cancelled", _none);
        (await _log.CancelAsync("1", _none)).ShouldBeFalse();
        (await _log.CancelAsync("2", _none)).ShouldBeFalse();
    }

    [Fact]
    public async Task Dry_run_is_taken_once_however_many_instances_try_at_the_same_time()
    {
        await _log.BeginAsync(Operation("1", isDryRun: true), "request", _none);
        _log.Find("1")!.CanRun.ShouldBeTrue();
        await using var other = new GroupCommit(_database);
        var logs = new[] { _log, new OperationLog(_database, other, _time) };

        var taken = await Task.WhenAll(Enumerable.Range(0, 20).Select(number => logs[number % 2].TakeAsync("1", _none)));

        taken.Where(each => each!.IsTaken).ShouldHaveSingleItem()!.Request.ShouldBe("request");
        _log.Find("1")!.CanRun.ShouldBeFalse();
        (await _log.TakeAsync("2", _none)).ShouldBeNull();
    }

    [Fact]
    public async Task Request_is_kept_for_an_hour_and_the_operation_for_a_week()
    {
        await _log.BeginAsync(Operation("1", isDryRun: true), "request", _none);
        _time.Advance(TimeSpan.FromMinutes(61));
        (await _log.TakeAsync("1", _none))!.Request.ShouldBeNull();
        await _log.BeginAsync(Operation("2", isDryRun: true), "request", _none);
        _log.Find("1")!.CanRun.ShouldBeFalse();
        _time.Advance(TimeSpan.FromDays(7));
        await _log.BeginAsync(Operation("3", isDryRun: true), "request", _none);
        _log.Find("1").ShouldBeNull();
    }

    [Fact]
    public void Stored_request_selects_what_the_original_selects()
    {
        var filter = new DeadLetterFilter { Exception = "Timeout", Text = "für \"jane\"", MessageType = "Order", Cause = "12345678", Since = DateTimeOffset.UnixEpoch, Until = DateTimeOffset.UnixEpoch.AddDays(1) };
        using var sources = new DeadLetterSources(
            DeadLetterOptions.Parse("amqp://jane:secret@127.0.0.1:1/shop", new Uri("http://127.0.0.1:1")), null,
            [("billing", DeadLetterOptions.Parse("amqp://jane:secret@127.0.0.1:1/billing", new Uri("http://127.0.0.1:1")))], options => new DeadLetterClient(options, new AuditFile("none")));
        var billing = sources.Find("billing")!;
        var stored = StoredRequest.Write(new RequestedOperation(Verb.Discard, billing, "orders_error", filter) { Expected = 12 })!;
        var read = StoredRequest.Read(stored, sources);
        (read.Verb, read.Source, read.Queue, read.Expected).ShouldBe((Verb.Discard, billing, "orders_error", 12));
        read.Filter.ShouldBe(filter);

        var byId = StoredRequest.Read(StoredRequest.Write(new RequestedOperation(Verb.Replay, billing, "q", DeadLetterFilter.ById("b", "a", "0197F2A0-1C5E-7CC3-9D7E-3D1F2A3B4C5D")))!, sources);
        byId.Filter.Ids!.ShouldBe(["a", "b", "0197f2a0-1c5e-7cc3-9d7e-3d1f2a3b4c5d"], ignoreOrder: true);
        StoredRequest.Write(new RequestedOperation(Verb.Replay, billing, "q", filter) { Edit = new Edit("1", "{}", "{ }") }).ShouldBeNull();
        // Another host's: it must not act on a queue of the same name here.
        Should.Throw<DeadLetterException>(() => StoredRequest.Read(stored.Replace("billing", "elsewhere", StringComparison.Ordinal), sources)).Message.ShouldContain("not connected to elsewhere");
    }

    public async ValueTask DisposeAsync()
    {
        await _commits.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }

    private SharedOperation Operation(string id, bool isDryRun) =>
        new() { Id = id, Queue = "orders_error", Title = "replay all in orders_error", By = "jane", IsDryRun = isDryRun, StartedAt = _time.GetUtcNow() };
}
