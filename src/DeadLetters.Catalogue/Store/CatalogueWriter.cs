using WorkinIt.Storage;

namespace WorkinIt.DeadLetters.Catalogue.Store;

/// <summary>Writes the catalogue. Each method is one transaction.</summary>
internal sealed class CatalogueWriter(CatalogueOptions options, GroupCommit commits, TimeProvider time)
{
    /// <summary>
    /// Adds copies of letters from the feed. Identical letters of one queue get the numbers 2, 3, … after their id, as in <see cref="DeadLetter.Id"/>;
    /// a redelivered copy that is there already is not added again. A letter that came back (restored, or returned by the broker) is there again.
    /// </summary>
    /// <param name="source">The virtual host's name.</param>
    /// <param name="letters">The letters, of any queues, in the order of the feed.</param>
    /// <param name="cancellationToken">Cancels the wait.</param>
    public Task AddAsync(string source, IReadOnlyList<NewLetter> letters, CancellationToken cancellationToken) => throw new NotSupportedException($"{options}{commits}{time}");

    /// <summary>
    /// Marks letters as moved by one of our operations. Identical letters are interchangeable: of n in the queue, the one with the highest number is
    /// marked, so that the numbers of the rest stay as a reader of the queue counts them.
    /// </summary>
    public Task MarkMovedAsync(string source, string queue, IReadOnlyList<string> ids, LetterState state, string operation, string by, DateTimeOffset at, CancellationToken cancellationToken) =>
        throw new NotSupportedException();

    /// <summary>Deletes letters and everything kept of them (an erasure).</summary>
    public Task RemoveAsync(string source, string queue, IReadOnlyList<string> ids, CancellationToken cancellationToken) => throw new NotSupportedException();

    /// <summary>Writes what is known about a queue; creates it. Keeps <see cref="CatalogueQueue.Letters"/>, which is counted.</summary>
    public Task SaveQueueAsync(CatalogueQueue queue, CancellationToken cancellationToken) => throw new NotSupportedException();

    /// <summary>Begins to compare a queue with the catalogue, letter by letter.</summary>
    /// <returns>The walk's number.</returns>
    public Task<long> BeginWalkAsync(string source, string queue, CancellationToken cancellationToken) => throw new NotSupportedException();

    /// <summary>Adds the next letters of a walk, in the queue's order, with their own ids; those that are in the catalogue already are marked as seen.</summary>
    public Task AddWalkedAsync(string source, string queue, long walk, IReadOnlyList<DeadLetter> letters, CancellationToken cancellationToken) => throw new NotSupportedException();

    /// <summary>
    /// Ends a walk: letters that were there when it began and that it has not seen are gone. Letters that were added meanwhile stay.
    /// </summary>
    public Task EndWalkAsync(string source, string queue, long walk, CancellationToken cancellationToken) => throw new NotSupportedException();

    /// <summary>A queue no longer exists: its letters are gone.</summary>
    public Task RemoveQueueAsync(string source, string queue, CancellationToken cancellationToken) => throw new NotSupportedException();

    /// <summary>Deletes letters that left their queue longer ago than <see cref="CatalogueOptions.Retention"/>.</summary>
    /// <returns>How many.</returns>
    public Task<long> PruneAsync(CancellationToken cancellationToken) => throw new NotSupportedException();
}
