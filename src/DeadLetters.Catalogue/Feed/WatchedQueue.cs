using WorkinIt.DeadLetters.Catalogue.Store;

namespace WorkinIt.DeadLetters.Catalogue.Feed;

/// <summary>What the feed knows about a dead-letter queue.</summary>
internal sealed class WatchedQueue(CatalogueQueue row)
{
    // Two checks that agree: one may have seen the queue before a letter and the catalogue after it.
    private const int ChecksNeeded = 2;

    // As long as the feed queue exists without a host: what operations report in this time is in it.
    private static readonly TimeSpan _shortStop = FeedQueue.Expires;

    private (long Count, long Letters) _last;
    private int _same;
    private long? _agreed;

    /// <summary>The queue as it is to be saved.</summary>
    public CatalogueQueue Row { get; set; } = row;

    /// <summary>The queue as it was saved.</summary>
    public CatalogueQueue? Saved { get; set; }

    /// <summary>Why it can't be read now; empty if nothing. Found by the last walk.</summary>
    public string WalkProblem { get; set; } = "";

    /// <summary>No walk is tried before.</summary>
    public DateTimeOffset NotBefore { get; set; }

    public bool NeedsWalk => Row.WalkedAt is null;

    /// <summary>How many letters the catalogue has in it.</summary>
    public long Letters { get; private set; }

    /// <summary>How many letters are to be put back to it.</summary>
    public long Kept { get; private set; }

    /// <summary>Whether an operator wants that, whatever a read costs.</summary>
    public bool IsRequested { get; private set; }

    /// <summary>It was seen to have all letters up to this number.</summary>
    public long SeenTo { get; private set; }

    /// <summary>Whether it was read, and the counts agree.</summary>
    public bool IsComplete => Row.WalkedAt is not null && Row.Messages == Letters;

    /// <summary>What the catalogue has of it.</summary>
    public void See(CatalogueQueue? row, bool isRequested) => (Letters, Kept, IsRequested) = (row?.Letters ?? 0, row?.Kept ?? 0, isRequested);

    /// <summary>Whether the last host stopped a short time ago, and the catalogue had all its letters then: only a difference of the counts needs a read.</summary>
    public bool WasLeftComplete(DateTimeOffset now) => Row.UnboundAt is { } at && now - at < _shortStop;

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

    /// <summary>
    /// Notes that the counts agree, or not. Two checks must agree: a letter that is not in the queue and the copy of another one that is on its way may
    /// make the counts equal for a moment.
    /// </summary>
    /// <param name="isQuiet">Whether no copy is on its way.</param>
    /// <param name="newest">The newest letter of the catalogue before the counts.</param>
    /// <returns>Whether <see cref="SeenTo"/> has changed.</returns>
    public bool Agree(bool isQuiet, long newest)
    {
        var before = _agreed;
        _agreed = isQuiet && IsComplete ? newest : null;
        if (_agreed is null || before is null || before <= SeenTo)
            return false;
        SeenTo = before.Value;
        return true;
    }

    /// <summary>Begins the comparison anew.</summary>
    public void Forget() => (_same, _agreed, SeenTo) = (0, null, 0);
}
