using WorkinIt.DeadLetters.Catalogue.Store;
using WorkinIt.Storage;

namespace WorkinIt.DeadLetters.Catalogue.Triage;

/// <summary>The catalogue, whose database may be opened later than the application starts.</summary>
/// <param name="store">The store, when its tables exist.</param>
internal sealed class OpenCatalogue(Task<CatalogueStore> store)
{
    private static readonly TimeSpan _longestWait = TimeSpan.FromSeconds(3); // a page must not hang while the database is away

    /// <summary>Waits until the database is open, however long that takes.</summary>
    public Task OpenedAsync(CancellationToken cancellationToken) => store.WaitAsync(cancellationToken);

    /// <summary>Reads the catalogue.</summary>
    /// <exception cref="TimeoutException">The database is not open yet.</exception>
    public async Task<CatalogueReader> ReaderAsync(CancellationToken cancellationToken) => (await store.WaitAsync(_longestWait, cancellationToken)).Reader;

    /// <summary>Writes to the catalogue's database.</summary>
    /// <inheritdoc cref="ReaderAsync"/>
    public async Task<GroupCommit> CommitsAsync(CancellationToken cancellationToken) => (await store.WaitAsync(_longestWait, cancellationToken)).Commits;
}
