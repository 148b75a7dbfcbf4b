using System.Globalization;

namespace WorkinIt.DeadLetters;

/// <summary>
/// What earlier replays published and never saw confirmed (the audit names these). Where the copy stands here as a dead letter again, it did
/// arrive: then the old one is taken off instead of replayed. Of the others nobody knows, and the dry run says so.
/// </summary>
internal sealed class EarlierDoubts
{
    private readonly Dictionary<string, (Doubt Doubt, DateTimeOffset At)> _doubts = [];
    private readonly HashSet<string> _arrived = [];

    /// <summary>How many were taken off because their copy had arrived.</summary>
    public long Settled { get; private set; }

    /// <summary>How many looks at the queue it takes.</summary>
    /// <param name="entries">The newest entries of the queue.</param>
    public static int PassesNeeded(IReadOnlyList<AuditEntry> entries) => entries.Any(entry => entry.Doubts.Count > 0) ? 1 : 0;

    /// <summary>Reads the audit, and where it names some, looks which of them arrived.</summary>
    /// <param name="entries">The newest entries of the queue.</param>
    /// <param name="look">Looks at each message of the queue.</param>
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

    /// <summary>Whether its copy has arrived, and so is here beside it.</summary>
    public bool HasArrived(DeadLetter letter) => _doubts.TryGetValue(letter.Id, out var one) && _arrived.Contains(one.Doubt.ReplayId!);

    /// <summary>Takes one off.</summary>
    public Decision Settle()
    {
        Settled++;
        return new Decision.Remove();
    }

    /// <summary>What there is to know before it is replayed; null where nothing is.</summary>
    public string? WarningFor(DeadLetter letter) => _doubts.TryGetValue(letter.Id, out var one)
        ? string.Create(CultureInfo.InvariantCulture, $"published by the replay of {one.At.ToUniversalTime():u}, but never confirmed or never removed from this queue: it may have been handled already")
        : null;
}
