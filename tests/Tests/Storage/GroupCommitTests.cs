using Dapper;
using WorkinIt.Storage;

namespace WorkinIt.Tests.Storage;

public sealed class GroupCommitTests : IAsyncDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("workinit-storage-").FullName;
    private readonly Database _database;
    private readonly GroupCommit _writer;

    public GroupCommitTests()
    {
        Database.TryParse($"Data Source={Path.Combine(_folder, "numbers.db")}", out _database!, out _).ShouldBeTrue();
        using var connection = _database.Open();
        connection.Execute("PRAGMA journal_mode = WAL; CREATE TABLE numbers (number INTEGER PRIMARY KEY)");
        _writer = new GroupCommit(_database);
    }

    [Fact]
    public async Task Concurrent_writes_are_all_committed()
    {
        await Task.WhenAll(Enumerable.Range(0, 1_000).Select(number => AddAsync(number)));
        Numbers().ShouldBe(Enumerable.Range(0, 1_000));
    }

    [Fact]
    public async Task Only_the_failing_changes_of_a_group_commit_fail()
    {
        var adds = Enumerable.Range(0, 100).Select(number => (Number: number / 2, Task: AddAsync(number / 2))).ToArray(); // each number twice
        await Task.WhenAll(adds.Select(add => add.Task.ContinueWith(_ => { }, TaskScheduler.Default)));
        adds.Count(add => add.Task.IsFaulted).ShouldBe(50);
        adds.Where(add => add.Task.IsCompletedSuccessfully).Select(add => add.Number).Order().ShouldBe(Enumerable.Range(0, 50));
        Numbers().ShouldBe(Enumerable.Range(0, 50));
    }

    [Fact]
    public async Task Write_cancelled_before_its_turn_is_not_committed()
    {
        using var cancellation = new CancellationTokenSource();
        Task cancelled, kept;
        using (var other = _database.Open())
        {
            await other.ExecuteAsync("BEGIN IMMEDIATE");
            cancelled = AddAsync(1, cancellation.Token);
            kept = AddAsync(2);
            await cancellation.CancelAsync();
            await Should.ThrowAsync<OperationCanceledException>(cancelled);
            await other.ExecuteAsync("ROLLBACK");
        }
        await kept;
        Numbers().ShouldBe([2]);
    }

    [Fact]
    public async Task Pending_writes_are_committed_before_the_writer_is_disposed()
    {
        var adds = Enumerable.Range(0, 50).Select(number => AddAsync(number)).ToArray();
        await _writer.DisposeAsync();
        await Task.WhenAll(adds);
        Numbers().Length.ShouldBe(50);
    }

    public async ValueTask DisposeAsync()
    {
        await _writer.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }

    private Task<int> AddAsync(int number, CancellationToken cancellationToken = default) => _writer.WriteAsync(
        (connection, transaction) => connection.Execute("INSERT INTO numbers (number) VALUES (@number)", new { number }, transaction), cancellationToken);

    private int[] Numbers()
    {
        using var connection = _database.Open();
        return [.. connection.Query<int>("SELECT number FROM numbers ORDER BY number")];
    }
}
