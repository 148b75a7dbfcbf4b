namespace WorkinIt.DeadLetters;

/// <summary>Counts the messages of one operation: moved, refused, and in doubt.</summary>
internal sealed class MoveTally
{
    private readonly Dictionary<string, Refusal> _refused = [];
    private readonly List<Doubt> _doubts = []; // published, and never confirmed or never acked
    private readonly Queue<(long Ack, Doubt Doubt)> _unproven = new(); // acked, and the broker has not answered since
    private readonly List<string> _messages = [];
    private readonly HashSet<string> _decided = []; // returned by the broker, or in doubt: not tried again in each pass

    /// <summary>How many messages have left the queue.</summary>
    public long Done { get; private set; }

    public IReadOnlyCollection<Refusal> Refused => _refused.Values;

    /// <summary>Messages that were published, but never confirmed or never acked: each is in the dead-letter queue, and may be in its target queue too.</summary>
    public IReadOnlyList<Doubt> Doubts => _doubts;

    /// <summary>The ids of the first messages that have left the queue, for the audit log.</summary>
    public IReadOnlyList<string> Messages => _messages;

    /// <summary>How many messages were decided on.</summary>
    public long Decided => Done + _refused.Count + _doubts.Count;

    /// <summary>Whether the broker has returned the message in an earlier pass, or the message is in doubt since then.</summary>
    public bool WasDecided(DeadLetter letter) => _decided.Contains(letter.Id);

    /// <summary>Counts a message that has left the queue.</summary>
    public void CountMoved(DeadLetter letter)
    {
        Done++;
        _refused.Remove(letter.Id); // an earlier pass had no room for it
        if (_messages.Count < AuditEntry.NamedMessages)
            _messages.Add(letter.MessageId ?? letter.Id);
    }

    public void Refuse(DeadLetter letter, string why) => _refused[letter.Id] = new Refusal(letter.Id, letter.MessageId, why);

    /// <summary>Counts a message that stays because of an earlier one of its key.</summary>
    public void HoldBack(string id, string? messageId, string why) => _refused.TryAdd(id, new Refusal(id, messageId, why) { IsHeldBack = true });

    /// <summary>Counts a message that the broker has returned to the publisher.</summary>
    public void Returned(DeadLetter letter, string why)
    {
        _decided.Add(letter.Id);
        Refuse(letter, why);
    }

    /// <summary>Adds a message that is in the queue, and may be in its target queue too.</summary>
    public void InDoubt(DeadLetter letter, Decision.Move move)
    {
        _decided.Add(letter.Id);
        _doubts.Add(DoubtOf(letter, move));
    }

    /// <summary>Remembers an ack until the broker has received it for certain.</summary>
    public void Acked(long ack, DeadLetter letter, Decision.Move move) => _unproven.Enqueue((ack, DoubtOf(letter, move)));

    /// <summary>Forgets the acks that the broker has received.</summary>
    /// <param name="ack">The number of the last one.</param>
    public void Proven(long ack)
    {
        while (_unproven.TryPeek(out var one) && one.Ack <= ack)
            _unproven.Dequeue();
    }

    /// <summary>The acks that are left may be lost, so their messages count as in doubt.</summary>
    public void GiveUpUnproven()
    {
        Done -= _unproven.Count;
        _doubts.AddRange(_unproven.Select(one => one.Doubt));
        _decided.UnionWith(_unproven.Select(one => one.Doubt.Id));
        _unproven.Clear();
    }

    private static Doubt DoubtOf(DeadLetter letter, Decision.Move move) => new(letter.Id, letter.MessageId, move.Replayed?.ReplayId);
}
