using System.Diagnostics.CodeAnalysis;

namespace WorkinIt.DeadLetters.Catalogue.Store;

/// <summary>
/// Keeps answers of the catalogue, so that many readers of one cost as much as one. An answer is computed again when the catalogue has changed, but
/// not at once, and less often if that takes long.
/// </summary>
/// <typeparam name="TQuery">What an answer depends on.</typeparam>
/// <typeparam name="TAnswer">The answer.</typeparam>
/// <param name="time">The clock.</param>
/// <param name="shortest">How long an answer is kept at least.</param>
/// <param name="pause">How long it is kept at least, in times of what it took to compute it: with 5, computing takes a fifth of a core at most.</param>
internal sealed class AnswerCache<TQuery, TAnswer>(TimeProvider time, TimeSpan shortest, int pause)
    where TQuery : notnull
{
    private const int Most = 64;
    private static readonly TimeSpan _longest = TimeSpan.FromSeconds(10); // ages and rates change without a change of the catalogue
    private static readonly TimeSpan _moment = TimeSpan.FromMilliseconds(50); // so that a replay's new count is shown at once, unless computing takes longer
    private static readonly TimeSpan _oldest = TimeSpan.FromSeconds(5);

    private readonly Lock _lock = new();
    private readonly Dictionary<TQuery, Entry> _entries = [];

    /// <summary>Returns an answer that was computed for this version, or not long ago.</summary>
    /// <param name="query">The query.</param>
    /// <param name="version">The version of the catalogue.</param>
    /// <param name="compute">Computes it. The first caller's is used for all that wait.</param>
    /// <param name="mayBeOlder">Whether an answer of the last seconds is returned if computing the new one takes more than a moment.</param>
    /// <param name="cancellationToken">Cancels the wait.</param>
    /// <returns>The answer, and the version of the catalogue that it shows: that one, or a later one.</returns>
    public async Task<(TAnswer Answer, long Version)> GetAsync(TQuery query, long version, Func<Task<TAnswer>> compute, bool mayBeOlder, CancellationToken cancellationToken)
    {
        Entry? entry, older;
        lock (_lock)
        {
            entry = _entries.GetValueOrDefault(query);
            if (entry?.IsFresh(version) != true)
            {
                if (_entries.Count >= Most)
                    _entries.Clear();
                entry = new Entry(this, version, entry);
                entry.Start(compute);
                _entries[query] = entry;
            }
            older = mayBeOlder ? entry.Older() : null;
        }
        if (older is not null && await Task.WhenAny(entry.Answer, Task.Delay(_moment, time, cancellationToken)) != entry.Answer)
            entry = older;
        return (await entry.Answer.WaitAsync(cancellationToken), entry.Version);
    }

    private TimeProvider Time => time;

    private TimeSpan Shortest => shortest;

    private int Pause => pause;

    private sealed class Entry(AnswerCache<TQuery, TAnswer> cache, long version, Entry? previous)
    {
        private readonly long _started = cache.Time.GetTimestamp();
        private long _ended;

        public long Version => version;

        [AllowNull]
        public Task<TAnswer> Answer { get; private set; }

        public void Start(Func<Task<TAnswer>> compute) => Answer = RunAsync(compute);

        /// <summary>The entry before, while this one is computed; null if there is none, or if it is too old.</summary>
        public Entry? Older() =>
            !Answer.IsCompleted && previous is { Answer.IsCompletedSuccessfully: true } before && cache.Time.GetElapsedTime(before._ended) < _oldest ? before : null;

        public bool IsFresh(long current)
        {
            if (!Answer.IsCompleted)
                return true;
            var (age, cost) = (cache.Time.GetElapsedTime(_ended), cache.Time.GetElapsedTime(_started, _ended));
            return Answer.IsCompletedSuccessfully && (age < Longer(cache.Shortest, cost * cache.Pause) || (version == current && age < _longest));
        }

        private async Task<TAnswer> RunAsync(Func<Task<TAnswer>> compute)
        {
            await Task.Yield(); // not within the lock of the caller
            try
            {
                return await compute();
            }
            finally
            {
                _ended = cache.Time.GetTimestamp();
                previous = null; // otherwise each entry would keep all before it
            }
        }

        private static TimeSpan Longer(TimeSpan a, TimeSpan b) => a > b ? a : b;
    }
}
