using System.Collections.Concurrent;
using Dapper;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Time.Testing;
using WorkinIt.Consumers.Ledger;
using WorkinIt.Deliveries;
using WorkinIt.Storage;
using WorkinIt.Testbed;

namespace WorkinIt.Tests.GifEmails;

/// <summary>The ledger's mark compared with its copy, in each state of the two.</summary>
public sealed class LedgerGuardTests : IAsyncDisposable
{
    private const string Name = "this ledger";
    private readonly string _folder = Directory.CreateTempSubdirectory("workinit-guard-").FullName;
    private readonly FakeTimeProvider _time = new(new DateTimeOffset(2026, 1, 2, 12, 0, 0, TimeSpan.Zero));
    private readonly MarkCopy _copy = new();
    private readonly Lines _log = new();
    private readonly Database _database;
    private readonly DeliveryLedger _ledger;
    private readonly LedgerGuard _guard;

    public LedgerGuardTests()
    {
        Database.TryParse($"Data Source={Path.Combine(_folder, "deliveries.db")}", out _database!, out _).ShouldBeTrue();
        DatabaseSchema.Migrate(_database, typeof(CreateDeliveries).Assembly);
        _ledger = new DeliveryLedger(_database, new GroupCommit(_database), _time);
        _guard = new LedgerGuard(_ledger, _copy, _time, _log);
    }

    [Fact]
    public async Task New_ledger_without_a_copy_is_accepted_without_a_warning()
    {
        await StartAsync();

        await SeeCompleteAsync();
        _copy.Mark.ShouldBe(_ledger.FindMark());
        _log.ShouldBeEmpty();
    }

    [Theory]
    [InlineData(41)]
    [InlineData(42)]
    public async Task Ledger_that_covers_its_copy_is_complete_and_raises_both_marks(long copied)
    {
        SetMark(42);
        _copy.Mark = new LedgerMark(Name, copied);

        await StartAsync();

        await SeeCompleteAsync();
        (_copy.Mark, _ledger.FindMark()).ShouldBe((new LedgerMark(Name, 43), new LedgerMark(Name, 43)));
        _log.ShouldBeEmpty();
    }

    [Theory]
    [InlineData(Name, 43, "The delivery ledger is older than the one that was used before")]
    [InlineData("another ledger", 1, "The delivery ledger is not the one that was used before")]
    public async Task Ledger_that_lost_records_knows_only_what_it_recorded_and_what_was_accepted_later(string copiedName, long copied, string problem)
    {
        var sent = await SendAsync();
        SetMark(42);
        _copy.Mark = new LedgerMark(copiedName, copied);

        await StartAsync();
        await Eventually.SeeAsync(() => _guard.Problem?.StartsWith(problem, StringComparison.Ordinal) == true, $"the problem is: {problem}");

        (await KnowsAsync(Guid.NewGuid(), _time.GetUtcNow())).ShouldBeFalse();
        (await KnowsAsync(sent, _time.GetUtcNow())).ShouldBeTrue();
        (await KnowsAsync(Guid.NewGuid(), _time.GetUtcNow().AddSeconds(6))).ShouldBeTrue(); // clocks may differ by 5 s
        _copy.Writes.ShouldBe(0);
        _log.ShouldHaveSingleItem().ShouldStartWith($"Error: {problem}");

        // As --accept-ledger does.
        _copy.Mark = await _ledger.GrowMarkAsync(copied, CancellationToken.None);
        await TickAsync(() => _guard.Problem is null, "the ledger is accepted");
        (await KnowsAsync(Guid.NewGuid(), _time.GetUtcNow())).ShouldBeTrue();
        _log.Last().ShouldStartWith("Warning: The delivery ledger was accepted");
    }

    [Fact]
    public async Task Copy_that_is_lost_while_an_older_ledger_is_detected_is_written_back_and_accepts_nothing()
    {
        SetMark(42);
        _copy.Mark = new LedgerMark(Name, 50);
        await StartAsync();
        await Eventually.SeeAsync(() => _guard.Problem?.StartsWith("The delivery ledger is older", StringComparison.Ordinal) == true, "the older ledger is detected");

        _copy.Mark = null; // its queue is purged
        await TickAsync(() => _copy.Mark == new LedgerMark(Name, 50), "the copy is written back");
        (await KnowsAsync(Guid.NewGuid(), _time.GetUtcNow().AddMinutes(-1))).ShouldBeFalse();
        _guard.Problem.ShouldNotBeNull();

        _copy.Mark = await _ledger.GrowMarkAsync(50, CancellationToken.None); // as --accept-ledger does
        await TickAsync(() => _guard.Problem is null, "the ledger is accepted");
    }

    [Fact]
    public async Task Ledger_that_is_replaced_by_an_older_one_while_the_process_runs_is_detected_at_the_next_write()
    {
        SetMark(42);
        await StartAsync();
        await SeeCompleteAsync();
        var copied = _copy.Mark;

        SetMark(41);
        await SendAsync();

        await TickAsync(() => _guard.Problem is not null, "the ledger is not complete");
        _guard.Problem.ShouldNotBeNull().ShouldStartWith("The delivery ledger is older than the one that was used before");
        _copy.Mark.ShouldBe(copied);
    }

    /// <summary>A lost copy alone loses no record, so mails are sent. But an older ledger would not have been detected, so the log says it.</summary>
    [Fact]
    public async Task Lost_copy_of_a_known_ledger_is_logged_in_one_line_and_written_again()
    {
        SetMark(42);

        await StartAsync();

        await SeeCompleteAsync();
        _copy.Mark.ShouldBe(new LedgerMark(Name, 43));
        (await KnowsAsync(Guid.NewGuid(), _time.GetUtcNow())).ShouldBeTrue();
        var line = _log.ShouldHaveSingleItem();
        line.ShouldStartWith("Warning: send-gif-email_ledger on RabbitMQ has no readable mark of the delivery ledger");
        line.ShouldNotContain("\n");
    }

    [Fact]
    public async Task Mark_that_cannot_be_written_is_reported_as_such_and_not_as_a_failed_comparison()
    {
        SetMark(42);
        _copy.Mark = new LedgerMark(Name, 42);
        _copy.WriteFailure = new IOException("no");

        await StartAsync();
        const string problem = "The delivery ledger was compared with its mark, which can't be written to the ledger and to send-gif-email_ledger (IOException)";
        await TickAsync(() => _guard.Problem?.StartsWith(problem, StringComparison.Ordinal) == true, "the problem is the write");

        _copy.WriteFailure = null;
        await TickAsync(() => _guard.Problem is null, "the ledger is complete");
        _copy.WriteFailure = new IOException("no");
        await TickAsync(() => _guard.Problem?.StartsWith(problem, StringComparison.Ordinal) == true, "a later renewal reports the same");
        (await _guard.KnowsAsync(Guid.NewGuid(), _time.GetUtcNow(), TimeSpan.Zero)).ShouldBeTrue(); // mails are sent
    }

    [Fact]
    public async Task Unreadable_copy_is_reported_once_until_it_can_be_compared()
    {
        SetMark(42);
        _copy.Failure = new IOException("no");

        await StartAsync();
        const string problem = "The delivery ledger can't be compared with its mark in send-gif-email_ledger (IOException)";
        await TickAsync(() => _guard.Problem?.StartsWith(problem, StringComparison.Ordinal) == true, "the problem names the queue");
        (await _guard.KnowsAsync(Guid.NewGuid(), _time.GetUtcNow(), TimeSpan.Zero)).ShouldBeFalse();

        (_copy.Mark, _copy.Failure) = (new LedgerMark(Name, 42), null);
        await TickAsync(() => _guard.Problem is null, "the ledger is complete");
        _log.ShouldHaveSingleItem().ShouldStartWith($"Warning: {problem}");
    }

    [Fact]
    public async Task Purged_copy_is_written_again_within_a_minute_although_no_mail_is_sent()
    {
        await StartAsync();
        await SeeCompleteAsync();
        _copy.Mark = null;

        _time.Advance(TimeSpan.FromMinutes(1));

        await Eventually.SeeAsync(() => _copy.Mark is not null, "the copy is written again", TimeSpan.FromSeconds(10));
        _copy.Mark.ShouldBe(_ledger.FindMark());
        _guard.Problem.ShouldBeNull();
    }

    [Fact]
    public async Task Copy_is_not_written_each_second_while_no_mail_is_sent()
    {
        await StartAsync();
        await SeeCompleteAsync();

        for (var second = 0; second < 60; second++)
        {
            _time.Advance(TimeSpan.FromSeconds(1));
            await Task.Delay(20); // a write takes less
        }

        _copy.Writes.ShouldBeLessThan(5);
    }

    public async ValueTask DisposeAsync()
    {
        await _guard.StopAsync(CancellationToken.None);
        _guard.Dispose();
        Microsoft.Data.Sqlite.SqliteConnection.ClearAllPools();
        Directory.Delete(_folder, recursive: true);
    }

    private Task StartAsync() => _guard.StartAsync(CancellationToken.None);

    private Task SeeCompleteAsync() => Eventually.SeeAsync(() => _guard.Problem is null, "the ledger is complete", TimeSpan.FromSeconds(10));

    private Task<bool> KnowsAsync(Guid submissionId, DateTimeOffset submittedAt) => _guard.KnowsAsync(submissionId, submittedAt, TimeSpan.FromSeconds(5));

    private Task TickAsync(Func<bool> condition, string what) => Eventually.SeeAsync(
        () =>
        {
            _time.Advance(TimeSpan.FromSeconds(1));
            return condition();
        },
        what, TimeSpan.FromSeconds(10));

    private async Task<Guid> SendAsync()
    {
        var id = Guid.CreateVersion7();
        await _ledger.TakeAsync(id, TimeSpan.FromSeconds(35), "cat", CancellationToken.None);
        await _ledger.SentAsync(id, _time.GetUtcNow(), "250 ok", CancellationToken.None);
        return id;
    }

    private void SetMark(long number)
    {
        using var connection = _database.Open();
        connection.Execute("INSERT INTO ledger_mark (id, ledger, number) VALUES (1, @Name, @number) ON CONFLICT (id) DO UPDATE SET number = @number", new { Name, number });
    }

    private sealed class Lines : ConcurrentQueue<string>, ILogger<LedgerGuard>
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) => Enqueue($"{logLevel}: {formatter(state, exception)}");
    }
}
