using System.Data.Common;
using System.Text;
using Dapper;
using Microsoft.Data.Sqlite;
using WorkinIt.Storage;

namespace WorkinIt.Tests.Storage;

public sealed class DatabaseRewriteTests : IDisposable
{
    private const long Large = 1 << 30;

    private readonly string _folder = Directory.CreateTempSubdirectory("workinit-storage-").FullName;
    private readonly Database _database;
    private readonly DbConnection _held; // keeps the log, which is deleted with the last connection: another test may clear the driver's pool

    public DatabaseRewriteTests()
    {
        Database.TryParse($"Data Source={Path.Combine(_folder, "thoughts.db")}", out _database!, out _).ShouldBeTrue();
        _held = _database.Open();
        _held.Execute("PRAGMA journal_mode = WAL; CREATE TABLE thoughts (id TEXT PRIMARY KEY, thought TEXT)");
        // Leaves the deleted rows in the file. A page split leaves copies too, but a test can't rely on them.
        _held.Execute("PRAGMA secure_delete = OFF");
        _held.Execute(
            "INSERT INTO thoughts VALUES (@id, @thought)",
            Enumerable.Range(0, 2_000).Select(number => new { id = $"{unchecked((uint)number * 2_654_435_761):x8}", thought = $"{(number % 20 == 0 ? "private" : "public")} {new string('x', number * 37 % 400)}" }));
        _held.Execute("DELETE FROM thoughts WHERE thought LIKE 'private%'; PRAGMA secure_delete = ON; PRAGMA wal_checkpoint(TRUNCATE)");
    }

    [Fact]
    public void Rewritten_database_file_contains_no_deleted_data()
    {
        Text().Contains("private", StringComparison.Ordinal).ShouldBeTrue(); // in the pages that contained the deleted rows
        _database.WriteAnew(Large).ShouldBeNull();
        Text().Contains("private", StringComparison.Ordinal).ShouldBeFalse();
        using var connection = _database.Open();
        connection.QuerySingle<int>("SELECT COUNT(*) FROM thoughts").ShouldBe(1_900);
    }

    [Fact]
    public void Rewrite_of_a_large_database_file_is_skipped_to_avoid_blocking_writers()
    {
        using (var connection = _database.Open())
            connection.Execute("DELETE FROM thoughts WHERE id > 'f'");
        new FileInfo(Path.Combine(_folder, "thoughts.db-wal")).Length.ShouldBeGreaterThan(0);
        _database.WriteAnew(largest: 1 << 10).ShouldNotBeNull().ShouldSatisfyAllConditions(it => it.TryAgain.ShouldBeFalse(), it => it.Why.ShouldStartWith("it is over"));
        new FileInfo(Path.Combine(_folder, "thoughts.db-wal")).Length.ShouldBe(0);
    }

    [Fact]
    public void Database_rewrite_asks_to_retry_while_readers_use_the_log_and_then_succeeds()
    {
        using var reader = (SqliteConnection)_database.OpenToRead();
        using (var reading = reader.BeginTransaction(deferred: true))
        {
            reader.QuerySingle<int>("SELECT COUNT(*) FROM thoughts", transaction: reading);
            _database.WriteAnew(Large).ShouldNotBeNull().ShouldSatisfyAllConditions(it => it.TryAgain.ShouldBeTrue(), it => it.Why.ShouldContain("readers use it"));
        }
        _database.WriteAnew(Large).ShouldBeNull();
        Text().Contains("private", StringComparison.Ordinal).ShouldBeFalse();
    }

    public void Dispose()
    {
        _held.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    private string Text() => string.Concat(new[] { "thoughts.db", "thoughts.db-wal" }.Select(file =>
    {
        using var stream = new FileStream(Path.Combine(_folder, file), FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        using var content = new StreamReader(stream, Encoding.Latin1);
        return content.ReadToEnd();
    }));
}
