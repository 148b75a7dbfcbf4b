using System.Diagnostics.CodeAnalysis;

namespace WorkinIt.DeadLetters.Catalogue.Store;

/// <summary>
/// Keeps boards, so that many readers of one cost as much as one. A board is computed again when the catalogue has changed, but at most once a
/// second, and less often if that takes long.
/// </summary>
internal sealed class BoardCache(TimeProvider time)
{
    private const int Most = 64;
    private const int Pause = 5; // computing takes a fifth of a core at most

    private static readonly TimeSpan _shortest = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan _longest = TimeSpan.FromSeconds(10); // ages and rates change without a change of the catalogue

    private readonly Lock _lock = new();
    private readonly Dictionary<CatalogueQuery, Entry> _entries = [];

    /// <summary>Returns a board that was computed for this version, or not long ago.</summary>
    /// <param name="query">The board's query.</param>
    /// <param name="version">The version of the catalogue.</param>
    /// <param name="compute">Computes it. The first caller's is used for all that wait.</param>
    /// <param name="cancellationToken">Cancels the wait.</param>
    public Task<Board> GetAsync(CatalogueQuery query, long version, Func<Task<Board>> compute, CancellationToken cancellationToken)
    {
        lock (_lock)
        {
            if (_entries.TryGetValue(query, out var entry) && entry.IsFresh(version, time))
                return entry.Board.WaitAsync(cancellationToken);
            if (_entries.Count >= Most)
                _entries.Clear();
            entry = new Entry(version, time);
            entry.Start(compute);
            _entries[query] = entry;
            return entry.Board.WaitAsync(cancellationToken);
        }
    }

    private sealed class Entry(long version, TimeProvider time)
    {
        private readonly long _started = time.GetTimestamp();
        private long _ended;

        [AllowNull]
        public Task<Board> Board { get; private set; }

        public void Start(Func<Task<Board>> compute) => Board = RunAsync(compute);

        public bool IsFresh(long current, TimeProvider clock)
        {
            if (!Board.IsCompleted)
                return true;
            var (age, cost) = (clock.GetElapsedTime(_ended), clock.GetElapsedTime(_started, _ended));
            return Board.IsCompletedSuccessfully && (age < Longer(_shortest, cost * Pause) || (version == current && age < _longest));
        }

        private async Task<Board> RunAsync(Func<Task<Board>> compute)
        {
            await Task.Yield(); // not within the lock of the caller
            try
            {
                return await compute();
            }
            finally
            {
                _ended = time.GetTimestamp();
            }
        }

        private static TimeSpan Longer(TimeSpan a, TimeSpan b) => a > b ? a : b;
    }
}
