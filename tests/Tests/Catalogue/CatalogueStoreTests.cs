using System.Text;
using WorkinIt.DeadLetters.Catalogue;
using WorkinIt.DeadLetters.Catalogue.Store;
using WorkinIt.Storage;

namespace WorkinIt.Tests.Catalogue;

public sealed class CatalogueStoreTests : IDisposable
{
    private readonly SqliteFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Damaged_file_is_reported_with_what_to_do()
    {
        await File.WriteAllTextAsync(_folder.File, new string('x', 10_000));

        Should.Throw<CatalogueUnavailableException>(() => Open(_folder.ConnectionString)).Message.ShouldSatisfyAllConditions(
            it => it.ShouldContain("CatalogueOptions.Database"), it => it.ShouldContain("is damaged or not a SQLite file"), it => it.ShouldContain("restore the file from a backup, or move it away"), it => it.ShouldContain("rebuilt from the queues"));
    }

    [Fact]
    public void Database_that_cannot_be_opened_is_reported_with_its_setting() =>
        Should.Throw<CatalogueUnavailableException>(() => Open($"Data Source={_folder.File}.missing/catalogue.db")).Message.ShouldSatisfyAllConditions(
            it => it.ShouldContain("can't be used"), it => it.ShouldContain("check CatalogueOptions.Database, that its folder exists"));

    [Fact]
    public async Task Catalogue_is_there_after_a_restart()
    {
        var letter = TestLetters.Fault("orders_error", "timeout");
        await using (var store = Open(_folder.ConnectionString))
            await store.Writer.AddAsync(TestLetters.Source, [letter.Copy()], default);

        await using var again = Open(_folder.ConnectionString);
        await again.Writer.AddAsync(TestLetters.Source, [letter.Copy(redelivered: true)], default);

        (await again.Reader.LettersAsync(CatalogueQuery.All, 0, 10, default)).Letters.Single().Id.ShouldBe(letter.Id);
    }

    [Fact]
    public async Task Erased_letter_is_in_no_file_of_the_catalogue()
    {
        const string word = "Zaphod.Beeblebrox";
        var letters = Enumerable.Range(0, 200).Select(i => TestLetters.Fault("orders_error", $"{word} {i}", id: $"{word}-{i}")).ToArray();
        await using var store = Open(_folder.ConnectionString);
        await store.Writer.AddAsync(TestLetters.Source, [.. letters.Select(letter => letter.Copy())], default);
        while (await store.Indexer.IndexAsync(default) > 0)
        {
        }
        HasWord().ShouldBeTrue();

        await store.Writer.RemoveAsync(TestLetters.Source, "orders_error", [.. letters.Select(letter => letter.Id)], default);
        (await store.Writer.OverwriteAsync(default)).ShouldBeNull();

        HasWord().ShouldBeFalse();

        bool HasWord() => Directory.GetFiles(Path.GetDirectoryName(_folder.File)!).Any(file => ReadShared(file).AsSpan().IndexOf(Encoding.UTF8.GetBytes(word)) >= 0);
    }

    private static byte[] ReadShared(string path)
    {
        using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        var bytes = new byte[file.Length];
        file.ReadExactly(bytes);
        return bytes;
    }

    private static CatalogueStore Open(string connectionString)
    {
        Database.TryParse(connectionString, out var database, out _).ShouldBeTrue();
        return CatalogueStore.Open(new CatalogueOptions { Database = database! }, TimeProvider.System);
    }
}
