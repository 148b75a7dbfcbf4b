using Microsoft.Extensions.Time.Testing;
using WorkinIt.DeadLetters;
using WorkinIt.DeadLetters.Catalogue;
using WorkinIt.DeadLetters.Catalogue.Store;
using WorkinIt.Storage;

namespace WorkinIt.Tests.Catalogue;

/// <summary>What a test of the catalogue needs, on either database.</summary>
public abstract class CatalogueScenarios : IAsyncLifetime
{
    protected const string Queue = "orders_error";

    private protected FakeTimeProvider Time { get; } = new(TestLetters.Noon);

    private protected CatalogueOptions Options { get; private set; } = null!;

    private protected CatalogueStore Store { get; private set; } = null!;

    private protected CatalogueWriter Writer => Store.Writer;

    private protected CatalogueReader Reader => Store.Reader;

    /// <summary>Returns the connection string of an empty database.</summary>
    protected abstract Task<string> CreateDatabaseAsync();

    public async ValueTask InitializeAsync()
    {
        Database.TryParse(await CreateDatabaseAsync(), out var database, out _).ShouldBeTrue();
        Options = new CatalogueOptions { Database = database! };
        Store = CatalogueStore.Open(Options, Time);
    }

    public virtual async ValueTask DisposeAsync()
    {
        await Store.DisposeAsync();
        GC.SuppressFinalize(this);
    }

    private protected Task AddAsync(params DeadLetter[] letters) => Writer.AddAsync(TestLetters.Source, [.. letters.Select(letter => letter.Copy())], default);

    /// <summary>A queue was seen to have all letters that the catalogue has in it.</summary>
    private protected async Task SeeAsync(string queue = Queue) => await Store.Kept.SeeAsync(TestLetters.Source, [queue], await Reader.NewestAsync(default), default);

    private protected Task MoveAsync(DeadLetter letter, LetterState state = LetterState.Replayed, string operation = "op-1") =>
        Writer.MarkMovedAsync(TestLetters.Source, letter.Queue, [letter.Id], state, operation, "jane", Time.GetUtcNow(), default);

    private protected async Task<long> WalkAsync(string queue, params DeadLetter[] letters)
    {
        var walk = await Writer.BeginWalkAsync(TestLetters.Source, queue, default);
        await Writer.AddWalkedAsync(TestLetters.Source, queue, walk, letters, default);
        await Writer.EndWalkAsync(TestLetters.Source, queue, walk, default);
        return walk;
    }

    /// <summary>The ids that a query selects, in ordinal order.</summary>
    private protected async Task<string[]> IdsAsync(string query = "")
    {
        var page = await Reader.LettersAsync(CatalogueQuery.Parse(query), 0, 1000, default);
        page.Matching.ShouldBe(page.Letters.Count);
        return [.. page.Letters.Select(letter => letter.Id).Order(StringComparer.Ordinal)];
    }

    private protected async Task<CatalogueLetter> EntryAsync(DeadLetter letter) => (await Reader.FindAsync(TestLetters.Source, letter.Queue, letter.Id, default)).ShouldNotBeNull().Entry;

    private protected async Task IndexAsync()
    {
        while (await Store.Indexer.IndexAsync(default) > 0)
        {
        }
    }
}
