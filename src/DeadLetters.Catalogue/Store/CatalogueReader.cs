namespace WorkinIt.DeadLetters.Catalogue.Store;

/// <summary>Reads the catalogue. Touches no queue.</summary>
internal sealed class CatalogueReader(CatalogueOptions options, TimeProvider time)
{
    /// <summary>A number that changes with each change of the catalogue, whichever host made it.</summary>
    public Task<long> VersionAsync(CancellationToken cancellationToken) => throw new NotSupportedException($"{options}{time}");

    /// <summary>The board: causes, queues and the histogram of the letters that a query selects. Answers of one version are kept, so that ten readers cost one.</summary>
    public Task<Board> BoardAsync(CatalogueQuery query, CancellationToken cancellationToken) => throw new NotSupportedException();

    /// <summary>A page of letters, the newest failure first.</summary>
    public Task<LetterPage> LettersAsync(CatalogueQuery query, long skip, int take, CancellationToken cancellationToken) => throw new NotSupportedException();

    /// <summary>The ids of all letters of one queue that a query selects, in the queue's order as far as it is known.</summary>
    public Task<IReadOnlyList<string>> IdsAsync(CatalogueQuery query, string source, string queue, CancellationToken cancellationToken) => throw new NotSupportedException();

    /// <summary>One letter; null if it is not in the catalogue. By the dead letter's id.</summary>
    public Task<StoredLetter?> FindAsync(string source, string queue, string id, CancellationToken cancellationToken) => throw new NotSupportedException();

    /// <summary>All that the catalogue has about a message: its earlier failures, wherever they are now, the oldest first.</summary>
    public Task<IReadOnlyList<CatalogueLetter>> HistoryAsync(string source, string messageId, CancellationToken cancellationToken) => throw new NotSupportedException();

    /// <summary>All queues of all sources; those with letters first.</summary>
    public Task<IReadOnlyList<CatalogueQueue>> QueuesAsync(CancellationToken cancellationToken) => throw new NotSupportedException();
}

/// <summary>A letter with its contents.</summary>
/// <param name="Entry">What the catalogue knows about it.</param>
/// <param name="Letter">The letter itself, as it was read; null if the catalogue does not keep its body.</param>
internal sealed record StoredLetter(CatalogueLetter Entry, DeadLetter? Letter);

/// <summary>A page of letters.</summary>
/// <param name="Letters">The letters of the page.</param>
/// <param name="Matching">How many letters the query selects.</param>
internal sealed record LetterPage(IReadOnlyList<CatalogueLetter> Letters, long Matching);
