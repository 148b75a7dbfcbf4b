using System.Globalization;

namespace WorkinIt.DeadLetters;

/// <summary>
/// Messages that earlier replays published without a confirm (the audit log lists them). If the copy is in this queue as a dead letter again, it
/// arrived: the old message is then removed instead of replayed. For the others it is unknown whether the copy arrived, and the dry run warns.
/// </summary>
internal sealed class EarlierDoubts
{
    private readonly Dictionary<string, (Doubt Doubt, DateTimeOffset At)> _doubts = [];
    private readonly HashSet<string> _arrived = [];
    private readonly HashSet<string> _settled = []; // a later pass decides again on what an earlier one did not reach

    /// <summary>How many messages were removed because their copy had arrived.</summary>
    public long Settled => _settled.Count;

    /// <summary>How many extra reads of the queue this needs.</summary>
    /// <param name="entries">The newest audit entries of the queue.</param>
    public static int PassesNeeded(IReadOnlyList<AuditEntry> entries) => entries.Any(entry => entry.Doubts.Count > 0) ? 1 : 0;

    /// <summary>Collects the unconfirmed messages from the audit entries and, if there are any, checks which of their copies arrived.</summary>
    /// <param name="entries">The newest audit entries of the queue.</param>
    /// <param name="look">Reads the queue and passes on each message.</param>
    public static async Task<EarlierDoubts> ReadAsync(IReadOnlyList<AuditEntry> entries, Func<Action<DeadLetter>, Task> look)
    {
        var earlier = new EarlierDoubts();
        foreach (var entry in entries)
        {
            foreach (var doubt in entry.Doubts.Where(doubt => doubt.ReplayId is not null))
                earlier._doubts.TryAdd(doubt.Id, (doubt, entry.At));
        }
        if (earlier._doubts.Count == 0)
            return earlier;
        var stamps = earlier._doubts.Values.Select(one => one.Doubt.ReplayId!).ToHashSet();
        await look(letter =>
        {
            if (letter.LastReplay is { } replay && stamps.Contains(replay.Id))
                earlier._arrived.Add(replay.Id);
        });
        return earlier;
    }

    /// <summary>Whether the message's copy arrived, and so is in this queue too.</summary>
    public bool HasArrived(DeadLetter letter) => _doubts.TryGetValue(letter.Id, out var one) && _arrived.Contains(one.Doubt.ReplayId!);

    /// <summary>Removes a message whose copy arrived.</summary>
    public Decision Settle(DeadLetter letter)
    {
        _settled.Add(letter.Id);
        return new Decision.Remove();
    }

    /// <summary>The warning before the message is replayed; null if there is none.</summary>
    public string? WarningFor(DeadLetter letter) => _doubts.TryGetValue(letter.Id, out var one)
        ? string.Create(CultureInfo.InvariantCulture, $"published by the replay of {one.At.ToUniversalTime():u}, but never confirmed or never removed from this queue: it may have been handled already")
        : null;
}
