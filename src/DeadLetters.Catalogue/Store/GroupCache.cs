namespace WorkinIt.DeadLetters.Catalogue.Store;

/// <summary>
/// The numbers of committed groups, so that adding a letter needs no look-up. Forgets all when groups were removed from the database, by this
/// process or another.
/// </summary>
internal sealed class GroupCache
{
    private const int Most = 20_000; // about 10 MB

    private readonly Lock _lock = new();
    private readonly Dictionary<(long Queue, LetterGroup Group), long> _ids = [];
    private long _removals = -1;

    /// <summary>Finds a group.</summary>
    /// <param name="queue">The queue's number.</param>
    /// <param name="group">The group.</param>
    /// <param name="removals">How often groups were removed from the database so far.</param>
    /// <returns>The group's number; null if it is not known.</returns>
    public long? Find(long queue, LetterGroup group, long removals)
    {
        lock (_lock)
        {
            if (_removals != removals)
                _ids.Clear();
            _removals = removals;
            return _ids.TryGetValue((queue, group), out var id) ? id : null;
        }
    }

    /// <summary>Keeps groups that are committed, unless groups were removed since.</summary>
    public void Keep(IReadOnlyDictionary<(long Queue, LetterGroup Group), long> committed, long removals)
    {
        lock (_lock)
        {
            if (_removals != removals)
                return;
            if (_ids.Count + committed.Count > Most)
                _ids.Clear();
            foreach (var (group, id) in committed)
                _ids[group] = id;
        }
    }
}
