namespace WorkinIt.DeadLetters;

/// <summary>
/// Detects when an operation that selects dead letters by their ids has seen all of them, so that it need not read the rest of the queue. A dead
/// letter's id is unique in its queue. A MessageId is not, so one that is selected keeps the operation reading to the end.
/// </summary>
internal sealed class SelectedIds
{
    private readonly HashSet<string> _missing;

    private SelectedIds(IEnumerable<string> ids) => _missing = new HashSet<string>(ids, StringComparer.OrdinalIgnoreCase);

    /// <summary>Null if the filter selects messages that it does not name.</summary>
    /// <param name="filter">The filter of an operation.</param>
    public static SelectedIds? Of(DeadLetterFilter filter) => filter.Ids is { Count: > 0 } ids ? new SelectedIds(ids) : null;

    /// <summary>Whether all were seen, with these.</summary>
    /// <param name="window">The next messages of the queue.</param>
    public bool AllSeen(IEnumerable<DeadLetter> window)
    {
        foreach (var letter in window)
            _missing.Remove(letter.Id);
        return _missing.Count == 0;
    }
}
