using System.Data.Common;
using Dapper;
using Microsoft.Extensions.Time.Testing;
using WorkinIt.Contracts;
using WorkinIt.Storage;
using WorkinIt.Web.Submissions;

namespace WorkinIt.Tests.Submissions;

public sealed class SubmissionStoreTests : IAsyncDisposable
{
    private static readonly DateTimeOffset _noon = new(2026, 1, 2, 12, 0, 0, TimeSpan.Zero);
    private readonly string _folder = Directory.CreateTempSubdirectory("workinit-store-").FullName;
    private readonly FakeTimeProvider _time = new(_noon);
    private readonly Database _database;
    private readonly GroupCommit _writer;
    private readonly SubmissionStore _store;
    private readonly Guid _id = Guid.CreateVersion7();

    public SubmissionStoreTests()
    {
        Database.TryParse($"Data Source={Path.Combine(_folder, "submissions.db")}", out _database!, out _).ShouldBeTrue();
        DatabaseSchema.Migrate(_database, typeof(CreateSubmissions).Assembly);
        _writer = new GroupCommit(_database);
        _store = new SubmissionStore(_database, _writer, _time);
    }

    [Fact]
    public async Task Late_publisher_confirm_does_not_overwrite_a_newer_state()
    {
        await AddAsync();
        await _store.AdvanceAsync(_id, SubmissionState.Delayed, 1, default, nextTryAt: _noon);
        await _store.ConfirmedAsync(_id);
        _store.Find(_id)!.State.ShouldBe(SubmissionState.Delayed);
    }

    [Fact]
    public async Task Concurrent_confirms_are_all_written_and_change_no_other_submission()
    {
        var ids = Enumerable.Range(0, 300).Select(_ => Guid.CreateVersion7()).ToArray();
        await Task.WhenAll(ids.Select(id => _store.AddAsync(Command("hello") with { SubmissionId = id }, default)));
        await Task.WhenAll(ids.Skip(1).Select(_store.ConfirmedAsync));
        ids.Skip(1).ShouldAllBe(id => _store.Find(id)!.State == SubmissionState.Queued);
        _store.Find(ids[0])!.State.ShouldBe(SubmissionState.Accepted);
    }

    [Fact]
    public async Task Confirm_that_cannot_be_written_fails_and_the_next_one_is_written()
    {
        await AddAsync();
        using (var connection = _database.Open())
            await connection.ExecuteAsync("ALTER TABLE submissions RENAME TO gone");
        await Should.ThrowAsync<DbException>(_store.ConfirmedAsync(_id));
        using (var connection = _database.Open())
            await connection.ExecuteAsync("ALTER TABLE gone RENAME TO submissions");
        await _store.ConfirmedAsync(_id);
        _store.Find(_id)!.State.ShouldBe(SubmissionState.Queued);
    }

    [Fact]
    public async Task Confirm_without_a_database_fails_and_the_next_one_is_written()
    {
        var folder = Path.Combine(_folder, "later");
        Database.TryParse($"Data Source={Path.Combine(folder, "submissions.db")}", out var database, out _).ShouldBeTrue();
        await using var writer = new GroupCommit(database);
        var store = new SubmissionStore(database, writer, _time);
        await Should.ThrowAsync<DbException>(store.ConfirmedAsync(_id));
        Directory.CreateDirectory(folder);
        DatabaseSchema.Migrate(database, typeof(CreateSubmissions).Assembly);
        await store.AddAsync(Command("hello"), default);
        await store.ConfirmedAsync(_id);
        store.Find(_id)!.State.ShouldBe(SubmissionState.Queued);
    }

    [Fact]
    public void Confirm_update_finds_its_rows_by_the_primary_key_index()
    {
        using var connection = _database.Open();
        var plan = connection.Query($"EXPLAIN QUERY PLAN {SubmissionConfirms.Sql(SubmissionConfirms.OneOfThese)}", new { ids = "[]", now = 1L, accepted = 0, queued = 1 });
        plan.Select(step => (string)step.detail).ShouldContain(step => step.StartsWith("SEARCH", StringComparison.Ordinal) && step.EndsWith("sqlite_autoindex_submissions_1 (id=?)", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Highest_attempt_decides_the_state_in_whatever_order_the_events_arrive()
    {
        await AddAsync();
        await _store.AdvanceAsync(_id, SubmissionState.Failed, 5, default);
        await _store.AdvanceAsync(_id, SubmissionState.Delayed, 4, default, nextTryAt: _noon);
        _store.Find(_id)!.ShouldSatisfyAllConditions(it => it.State.ShouldBe(SubmissionState.Failed), it => it.Attempt.ShouldBe(5));
        await _store.AdvanceAsync(_id, SubmissionState.Delayed, 6, default, nextTryAt: _noon);
        _store.Find(_id)!.State.ShouldBe(SubmissionState.Delayed);
    }

    [Fact]
    public async Task Sent_is_the_final_state_of_a_submission()
    {
        await AddAsync();
        await _store.AdvanceAsync(_id, SubmissionState.Sent, 2, default, sentAt: _noon, gif: "cat");
        await _store.AdvanceAsync(_id, SubmissionState.Failed, 9, default);
        await _store.FailedAsync(_id, default);
        _store.Find(_id)!.ShouldSatisfyAllConditions(it => it.State.ShouldBe(SubmissionState.Sent), it => it.SentAt.ShouldBe(_noon), it => it.Gif.ShouldBe("cat"));
    }

    [Fact]
    public void Query_for_unconfirmed_submissions_uses_its_index()
    {
        using var connection = _database.Open();
        var plan = connection.QuerySingle($"EXPLAIN QUERY PLAN {SubmissionStore.UnconfirmedOnes}", new { before = 1L, limit = 1 });
        ((string)plan.detail).ShouldContain("USING INDEX submissions_unconfirmed");
    }

    [Fact]
    public void Query_for_missing_submissions_uses_the_index_of_open_submissions()
    {
        using var connection = _database.Open();
        var plan = connection.QuerySingle($"EXPLAIN QUERY PLAN {SubmissionStore.MissingOnes}", new { before = 1L, now = 1L, limit = 1 });
        ((string)plan.detail).ShouldContain("USING INDEX submissions_open");
    }

    [Fact]
    public async Task Submission_without_news_counts_as_missing_at_increasing_intervals()
    {
        var silence = TimeSpan.FromMinutes(10);
        await AddAsync();
        _time.Advance(silence);
        _store.Missing(silence, 10).ShouldBeEmpty(); // not confirmed, so the relay publishes it
        await _store.ConfirmedAsync(_id);
        _store.Missing(silence, 10).ShouldBeEmpty();
        _time.Advance(silence);
        _store.Missing(silence, 10).ShouldHaveSingleItem().ShouldBe(Command("hello"));

        await _store.PublishedAgainAsync(Command("hello"), default); // 20 minutes old
        _time.Advance(TimeSpan.FromMinutes(19));
        _store.Missing(silence, 10).ShouldBeEmpty();
        _time.Advance(TimeSpan.FromMinutes(1));
        _store.Missing(silence, 10).ShouldHaveSingleItem();

        await _store.AdvanceAsync(_id, SubmissionState.Delayed, 1, default, nextTryAt: _time.GetUtcNow().AddMinutes(5));
        _time.Advance(TimeSpan.FromMinutes(14));
        _store.Missing(silence, 10).ShouldBeEmpty();
        _time.Advance(TimeSpan.FromMinutes(1));
        _store.Missing(silence, 10).ShouldHaveSingleItem();

        await _store.AdvanceAsync(_id, SubmissionState.Failed, 1, default);
        _store.Missing(silence, 10).ShouldBeEmpty();
    }

    [Fact]
    public async Task Unconfirmed_submission_is_found_again_until_it_is_confirmed()
    {
        await AddAsync();
        _store.Unconfirmed(TimeSpan.FromSeconds(3), 10).ShouldBeEmpty();
        _time.Advance(TimeSpan.FromSeconds(3));
        _store.Unconfirmed(TimeSpan.FromSeconds(3), 10).ShouldHaveSingleItem().ShouldBe(Command("hello"));
        await _store.ConfirmedAsync(_id);
        _store.Unconfirmed(TimeSpan.FromSeconds(3), 10).ShouldBeEmpty();
    }

    [Fact]
    public async Task Purge_removes_personal_data_and_keeps_state_and_identity()
    {
        await AddAsync();
        await _store.AdvanceAsync(_id, SubmissionState.Sent, 1, default, sentAt: _noon);
        _time.Advance(TimeSpan.FromDays(31));

        (await _store.PurgeAsync(TimeSpan.FromDays(30), 10, default)).ShouldBe(1);
        (await _store.PurgeAsync(TimeSpan.FromDays(30), 10, default)).ShouldBe(0);

        using (var connection = _database.Open())
            (await connection.QuerySingleAsync<long>("SELECT count(*) FROM submissions WHERE email IS NOT NULL OR thought IS NOT NULL")).ShouldBe(0);
        _store.Find(_id)!.State.ShouldBe(SubmissionState.Sent);
        (await _store.AddAsync(Command("hello"), default)).ShouldBe(Addition.Known);
        (await _store.AddAsync(Command("other"), default)).ShouldBe(Addition.Conflict);
    }

    [Fact]
    public async Task Purge_keeps_submissions_that_the_broker_has_not_confirmed()
    {
        await AddAsync();
        _time.Advance(TimeSpan.FromDays(31));
        (await _store.PurgeAsync(TimeSpan.FromDays(30), 10, default)).ShouldBe(0);
    }

    [Fact]
    public async Task Failing_change_does_not_fail_other_submissions_of_the_same_commit()
    {
        var good = Enumerable.Range(0, 50).Select(_ => _store.AddAsync(Command("hello") with { SubmissionId = Guid.NewGuid() }, default)).ToArray();
        var bad = _writer.WriteAsync<int>((_, _) => throw new InvalidOperationException("bad"), default);
        var more = Enumerable.Range(0, 50).Select(_ => _store.AddAsync(Command("hello") with { SubmissionId = Guid.NewGuid() }, default)).ToArray();

        (await Task.WhenAll([.. good, .. more])).ShouldAllBe(addition => addition == Addition.Added);
        await Should.ThrowAsync<InvalidOperationException>(bad);
    }

    public async ValueTask DisposeAsync()
    {
        await _writer.DisposeAsync();
        Microsoft.Data.Sqlite.SqliteConnection.ClearAllPools();
        Directory.Delete(_folder, recursive: true);
    }

    private async Task AddAsync() => (await _store.AddAsync(Command("hello"), default)).ShouldBe(Addition.Added);

    private SendGifEmail Command(string thought) => new(_id, "somebody@example.com", thought, _noon);
}
