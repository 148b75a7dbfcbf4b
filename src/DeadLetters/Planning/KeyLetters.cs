namespace WorkinIt.DeadLetters;

/// <summary>A dead letter in the order of its key. Its body is not kept.</summary>
internal sealed class OrderedLetter(DeadLetter letter, KeyLetters? key)
{
    public string Id { get; } = letter.Id;

    public string? MessageId { get; } = letter.MessageId;

    /// <summary>Its key; null if it has none, and so no order.</summary>
    public KeyLetters? Key { get; } = key;

    /// <summary>Its place among the letters of its key, from 0.</summary>
    public int Number { get; set; }

    /// <summary>When the message failed first: a letter that failed again after a replay is at the end of the queue, although the later ones of its key are not. Null if unknown.</summary>
    public DateTimeOffset? FirstFailure { get; } = letter.History.Tries is [var first, ..] ? first.FailedAt ?? letter.FailedAt : letter.FailedAt;

    /// <summary>Whether a replay has moved it before.</summary>
    public bool CameBack { get; } = letter.LastReplay is not null;

    /// <summary>Whether it was moved, removed or refused.</summary>
    public bool IsDone { get; set; }

    /// <summary>The pass through the queue that has read it last.</summary>
    public int SeenIn { get; set; }
}

/// <summary>What may happen with the next letter of a key.</summary>
internal enum KeyState
{
    /// <summary>It may be moved.</summary>
    Free,

    /// <summary>The outcome of the letter before it is awaited.</summary>
    Waiting,

    /// <summary>There is none, or it stays in the queue.</summary>
    Ended,
}

/// <summary>The selected dead letters of one key, in their order.</summary>
/// <param name="shown">The key, masked.</param>
internal sealed class KeyLetters(string shown)
{
    private List<OrderedLetter> _letters = [];

    /// <summary>The key, masked.</summary>
    public string Shown => shown;

    public int Count => _letters.Count;

    /// <summary>The number of the next letter to move.</summary>
    public int Next { get; private set; }

    /// <summary>Whether a letter was moved and its outcome is awaited.</summary>
    public bool IsBusy { get; set; }

    /// <summary>The number of the first letter that is held back.</summary>
    public int HeldFrom { get; private set; } = int.MaxValue;

    /// <summary>The letter because of which others are held back; null if none are.</summary>
    public OrderedLetter? Blocking { get; private set; }

    /// <summary>What became of that letter.</summary>
    public string Why { get; private set; } = "";

    /// <summary>Whether a letter of the key comes before a selected one in the queue and was not selected.</summary>
    public bool PassesOthers { get; set; }

    public KeyState State => Next >= Math.Min(Count, HeldFrom) ? KeyState.Ended : IsBusy ? KeyState.Waiting : KeyState.Free;

    /// <summary>The letters that are held back.</summary>
    public IEnumerable<OrderedLetter> Held => _letters.Skip(HeldFrom).Where(letter => !letter.IsDone);

    public bool IsNext(OrderedLetter letter) => State == KeyState.Free && letter.Number == Next;

    public void Add(OrderedLetter letter)
    {
        letter.Number = _letters.Count;
        _letters.Add(letter);
    }

    /// <summary>
    /// Orders the letters: as in the queue, except that one that a replay has moved before takes its place by the time of its first failure. When it failed
    /// again, it was put at the end of the queue.
    /// </summary>
    public void Sort()
    {
        if (!_letters.Exists(letter => letter.CameBack))
            return;
        var back = new Queue<OrderedLetter>(_letters.Where(letter => letter.CameBack).OrderBy(letter => letter.FirstFailure ?? DateTimeOffset.MaxValue));
        var sorted = new List<OrderedLetter>(_letters.Count);
        foreach (var letter in _letters.Where(letter => !letter.CameBack))
        {
            while (back.TryPeek(out var first) && first.FirstFailure <= letter.FirstFailure)
                sorted.Add(back.Dequeue());
            sorted.Add(letter);
        }
        sorted.AddRange(back);
        _letters = sorted;
        for (var i = 0; i < sorted.Count; i++)
            sorted[i].Number = i;
    }

    /// <summary>A letter was moved, removed or refused: the next one follows.</summary>
    public void Pass(OrderedLetter letter)
    {
        letter.IsDone = true;
        Next = Math.Max(Next, letter.Number + 1);
    }

    /// <summary>Holds back the letters after one.</summary>
    /// <param name="blocking">That letter.</param>
    /// <param name="why">What became of it.</param>
    public void HoldAfter(OrderedLetter blocking, string why)
    {
        if (blocking.Number + 1 < HeldFrom)
            (HeldFrom, Blocking, Why) = (blocking.Number + 1, blocking, why);
    }
}
