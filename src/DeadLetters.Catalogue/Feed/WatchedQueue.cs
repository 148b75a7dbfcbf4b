using WorkinIt.DeadLetters.Catalogue.Store;

namespace WorkinIt.DeadLetters.Catalogue.Feed;

/// <summary>What the feed knows about a dead-letter queue.</summary>
internal sealed class WatchedQueue(CatalogueQueue row)
{
    // Two checks that agree: one may have seen the queue before a letter and the catalogue after it.
    private const int ChecksNeeded = 2;

    private (long Count, long Letters) _last;
    private int _same;

    /// <summary>The queue as it is to be saved.</summary>
    public CatalogueQueue Row { get; set; } = row;

    /// <summary>The queue as it was saved.</summary>
    public CatalogueQueue? Saved { get; set; }

    /// <summary>Why it can't be read now; empty if nothing. Found by the last walk.</summary>
    public string WalkProblem { get; set; } = "";

    /// <summary>No walk is tried before.</summary>
    public DateTimeOffset NotBefore { get; set; }

    public bool NeedsWalk => Row.WalkedAt is null;

    /// <summary>Compares the counts of the broker and the catalogue.</summary>
    /// <param name="count">The broker's count.</param>
    /// <param name="letters">The catalogue's count, read later.</param>
    /// <param name="isQuiet">Whether no copy was on its way in between.</param>
    /// <returns>Whether they differ, and nothing that is still moving explains it.</returns>
    public bool Differs(long count, long letters, bool isQuiet)
    {
        _same = count == letters || !isQuiet ? 0 : _same > 0 && _last == (count, letters) ? _same + 1 : 1;
        _last = (count, letters);
        return _same >= ChecksNeeded;
    }

    /// <summary>Begins the comparison anew.</summary>
    public void Forget() => _same = 0;
}
