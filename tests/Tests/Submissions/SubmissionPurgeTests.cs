using System.Text;
using Dapper;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using Microsoft.Extensions.Time.Testing;
using WorkinIt.Contracts;
using WorkinIt.Storage;
using WorkinIt.Testbed;
using WorkinIt.Web.Submissions;

namespace WorkinIt.Tests.Submissions;

public sealed class SubmissionPurgeTests : IAsyncDisposable
{
    private static readonly DateTimeOffset _noon = new(2026, 1, 2, 12, 0, 0, TimeSpan.Zero);
    private readonly string _folder = Directory.CreateTempSubdirectory("workinit-purge-").FullName;
    private readonly FakeTimeProvider _time = new(_noon);
    private readonly Database _database;
    private readonly GroupCommit _writer;
    private readonly SubmissionStore _store;
    private readonly SubmissionPurge _purge;

    public SubmissionPurgeTests()
    {
        Database.TryParse($"Data Source={Path.Combine(_folder, "submissions.db")}", out _database!, out _).ShouldBeTrue();
        _writer = new GroupCommit(_database);
        _store = new SubmissionStore(_database, _writer, _time);
        _purge = new SubmissionPurge(_store, Options.Create(new SubmissionOptions { KeepFor = TimeSpan.FromHours(3) }), _time, NullLogger<SubmissionPurge>.Instance);
    }

    [Fact]
    public async Task Purge_runs_every_hour_and_removes_more_rows_than_fit_into_one_change()
    {
        DatabaseSchema.Migrate(_database, typeof(CreateSubmissions).Assembly);
        await Task.WhenAll(Enumerable.Range(0, 1_001).Select(_ => AddConfirmedAsync()));
        await _purge.StartAsync(default);
        for (var hour = 0; hour < 3; hour++)
        {
            Kept().ShouldBe(1_001);
            _time.Advance(TimeSpan.FromHours(1));
        }
        _time.Advance(TimeSpan.FromHours(1));
        await Eventually.SeeAsync(() => Kept() == 0, "all personal data is purged");
    }

    [Fact]
    public async Task Purged_personal_data_is_overwritten_in_the_database_file()
    {
        DatabaseSchema.Migrate(_database, typeof(CreateSubmissions).Assembly);
        for (var count = 0; count < 20; count++)
            await AddConfirmedAsync();
        Encoding.UTF8.GetString(await ReadDatabaseFileAsync()).Contains("jane@example.com", StringComparison.Ordinal).ShouldBeTrue();
        _time.Advance(TimeSpan.FromHours(4));
        (await _store.PurgeAsync(TimeSpan.FromHours(3), 100, default)).ShouldBe(20);
        Encoding.UTF8.GetString(await ReadDatabaseFileAsync()).Contains("jane@example.com", StringComparison.Ordinal).ShouldBeFalse();
    }

    [Fact]
    public async Task Purge_leaves_no_personal_data_in_the_write_ahead_log()
    {
        DatabaseSchema.Migrate(_database, typeof(CreateSubmissions).Assembly);
        await AddConfirmedAsync();
        var log = new FileInfo(Path.Combine(_folder, "submissions.db-wal"));
        log.Length.ShouldBeGreaterThan(0);
        _time.Advance(TimeSpan.FromHours(4));
        await _purge.StartAsync(default);
        await Eventually.SeeAsync(
            () =>
            {
                log.Refresh();
                return Kept() == 0 && log.Length == 0;
            },
            "the data is purged and the log is empty");
    }

    [Fact]
    public async Task Purge_continues_after_the_store_was_unavailable()
    {
        await _purge.StartAsync(default); // the table does not exist yet
        await Eventually.SeeAsync(() => File.Exists(Path.Combine(_folder, "submissions.db")), "the purge opened the database");
        DatabaseSchema.Migrate(_database, typeof(CreateSubmissions).Assembly);
        await AddConfirmedAsync();
        await Eventually.SeeAsync(
            () =>
            {
                _time.Advance(TimeSpan.FromHours(1));
                return Kept() == 0;
            },
            "all personal data is purged");
    }

    public async ValueTask DisposeAsync()
    {
        await _purge.StopAsync(default);
        _purge.Dispose();
        await _writer.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }

    private async Task<byte[]> ReadDatabaseFileAsync()
    {
        using (var connection = _database.Open())
            (await connection.QuerySingleAsync<long>("PRAGMA wal_checkpoint(TRUNCATE)")).ShouldBe(0);
        return await File.ReadAllBytesAsync(Path.Combine(_folder, "submissions.db"));
    }

    private async Task AddConfirmedAsync()
    {
        var command = new SendGifEmail(Guid.CreateVersion7(), "jane@example.com", "hello", _time.GetUtcNow());
        await _store.AddAsync(command, default);
        await _store.ConfirmedAsync(command.SubmissionId);
    }

    private long Kept()
    {
        using var connection = _database.Open();
        using var command = connection.CreateCommand();
        command.CommandText = "SELECT count(*) FROM submissions WHERE email IS NOT NULL";
        return (long)command.ExecuteScalar()!;
    }
}
