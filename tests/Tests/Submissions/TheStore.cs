using System.Data.Common;
using Dapper;
using Microsoft.Extensions.Time.Testing;
using WorkinIt.Contracts;
using WorkinIt.Storage;
using WorkinIt.Web.Submissions;

namespace WorkinIt.Tests.Submissions;

public sealed class TheStore : IAsyncDisposable
{
    private static readonly DateTimeOffset _noon = new(2026, 1, 2, 12, 0, 0, TimeSpan.Zero);
    private readonly string _folder = Directory.CreateTempSubdirectory("workinit-store-").FullName;
    private readonly FakeTimeProvider _time = new(_noon);
    private readonly Database _database;
    private readonly GroupCommit _writer;
    private readonly SubmissionStore _store;
    private readonly Guid _id = Guid.CreateVersion7();

    public TheStore()
    {
        Database.TryParse($"Data Source={Path.Combine(_folder, "submissions.db")}", out _database!, out _).ShouldBeTrue();
        DatabaseSchema.Migrate(_database, typeof(CreateSubmissions).Assembly);
        _writer = new GroupCommit(_database);
        _store = new SubmissionStore(_database, _writer, _time);
    }

    [Fact]
    public async Task Queued_overwrites_nothing()
    {
        await AddAsync();
        await _store.AdvanceAsync(_id, SubmissionState.Delayed, 1, default, nextTryAt: _noon);
        await _store.ConfirmedAsync(_id);
        _store.Find(_id)!.State.ShouldBe(SubmissionState.Delayed);
    }

    [Fact]
    public async Task What_is_confirmed_at_once_is_written_at_once_and_nothing_else()
    {
        var ids = Enumerable.Range(0, 300).Select(_ => Guid.CreateVersion7()).ToArray();
        await Task.WhenAll(ids.Select(id => _store.AddAsync(Command("hello") with { SubmissionId = id }, default)));
        await Task.WhenAll(ids.Skip(1).Select(_store.ConfirmedAsync));
        ids.Skip(1).ShouldAllBe(id => _store.Find(id)!.State == SubmissionState.Queued);
        _store.Find(ids[0])!.State.ShouldBe(SubmissionState.Accepted);
    }

    [Fact]
    public async Task A_confirm_that_could_not_be_written_fails_and_the_next_is_written()
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
    public async Task A_confirm_for_which_there_was_no_database_fails_and_the_next_is_written()
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
    public void Confirms_go_to_their_rows_and_through_no_others()
    {
        using var connection = _database.Open();
        var plan = connection.Query($"EXPLAIN QUERY PLAN {SubmissionConfirms.Sql(SubmissionConfirms.OneOfThese)}", new { ids = "[]", now = 1L, accepted = 0, queued = 1 });
        plan.Select(step => (string)step.detail).ShouldContain(step => step.StartsWith("SEARCH", StringComparison.Ordinal) && step.EndsWith("sqlite_autoindex_submissions_1 (id=?)", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Of_two_tries_the_higher_counts_in_whatever_order_they_come()
    {
        await AddAsync();
        await _store.AdvanceAsync(_id, SubmissionState.Failed, 5, default);
        await _store.AdvanceAsync(_id, SubmissionState.Delayed, 4, default, nextTryAt: _noon);
        _store.Find(_id)!.ShouldSatisfyAllConditions(it => it.State.ShouldBe(SubmissionState.Failed), it => it.Attempt.ShouldBe(5));
        await _store.AdvanceAsync(_id, SubmissionState.Delayed, 6, default, nextTryAt: _noon);
        _store.Find(_id)!.State.ShouldBe(SubmissionState.Delayed);
    }

    [Fact]
    public async Task Nothing_comes_after_sent()
    {
        await AddAsync();
        await _store.AdvanceAsync(_id, SubmissionState.Sent, 2, default, sentAt: _noon, gif: "cat");
        await _store.AdvanceAsync(_id, SubmissionState.Failed, 9, default);
        await _store.FailedAsync(_id, default);
        _store.Find(_id)!.ShouldSatisfyAllConditions(it => it.State.ShouldBe(SubmissionState.Sent), it => it.SentAt.ShouldBe(_noon), it => it.Gif.ShouldBe("cat"));
    }

    [Fact]
    public void The_search_for_what_is_not_confirmed_goes_through_no_other_submissions()
    {
        using var connection = _database.Open();
        var plan = connection.QuerySingle($"EXPLAIN QUERY PLAN {SubmissionStore.UnconfirmedOnes}", new { before = 1L, limit = 1 });
        ((string)plan.detail).ShouldContain("USING INDEX submissions_unconfirmed");
    }

    [Fact]
    public void The_search_for_what_is_missing_goes_through_no_submission_that_has_ended()
    {
        using var connection = _database.Open();
        var plan = connection.QuerySingle($"EXPLAIN QUERY PLAN {SubmissionStore.MissingOnes}", new { before = 1L, now = 1L, limit = 1 });
        ((string)plan.detail).ShouldContain("USING INDEX submissions_open");
    }

    [Fact]
    public async Task What_nothing_is_heard_of_is_missing_until_its_next_try_is_due_and_ever_more_seldom()
    {
        var silence = TimeSpan.FromMinutes(10);
        await AddAsync();
        _time.Advance(silence);
        _store.Missing(silence, 10).ShouldBeEmpty(); // not confirmed: the relay's
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
    public async Task What_is_not_confirmed_is_found_again_and_no_longer_once_it_is()
    {
        await AddAsync();
        _store.Unconfirmed(TimeSpan.FromSeconds(3), 10).ShouldBeEmpty();
        _time.Advance(TimeSpan.FromSeconds(3));
        _store.Unconfirmed(TimeSpan.FromSeconds(3), 10).ShouldHaveSingleItem().ShouldBe(Command("hello"));
        await _store.ConfirmedAsync(_id);
        _store.Unconfirmed(TimeSpan.FromSeconds(3), 10).ShouldBeEmpty();
    }

    [Fact]
    public async Task A_purge_takes_the_personal_data_and_keeps_state_and_identity()
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
    public async Task A_purge_leaves_what_the_broker_has_not_confirmed()
    {
        await AddAsync();
        _time.Advance(TimeSpan.FromDays(31));
        (await _store.PurgeAsync(TimeSpan.FromDays(30), 10, default)).ShouldBe(0);
    }

    [Fact]
    public async Task One_bad_change_does_not_fail_those_that_were_committed_with_it()
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
