using System.Security.Cryptography;
using System.Text;

namespace WorkinIt.DeadLetters;

/// <summary>
/// Decides which dead letters may be moved now, so that those of one key are handled one after the other: the next one only if the one before was handled. One
/// that fails, is skipped, is refused or has no known outcome holds back the later ones of its key, and no others. Keeps keys as hashes, and no bodies.
/// </summary>
/// <param name="by">Where a message has its key.</param>
internal sealed class KeyOrder(OrderField by)
{
    private const string Missing = "is no longer in the queue";
    private const string Unconfirmed = "was not confirmed by the broker";

    private readonly Dictionary<UInt128, KeyLetters> _keys = [];
    private readonly HashSet<UInt128> _others = []; // the keys of letters that are not selected
    private readonly Dictionary<string, OrderedLetter> _letters = [];
    private readonly Dictionary<string, OrderedLetter> _published = []; // not confirmed yet
    private readonly Dictionary<int, OrderedLetter> _open = []; // by their place among the replayed messages
    private readonly int[] _states = new int[Enum.GetValues<KeyState>().Length];
    private int _loose; // without a key, and not moved
    private long _withoutKey;
    private int _pass;

    /// <summary>Whether an outcome was reported in this replay. Before, one message at a time is moved: without reports, no order can be kept.</summary>
    public bool IsProven { get; private set; }

    /// <summary>How many letters may be moved now.</summary>
    public int Movable => IsProven || _published.Count + _open.Count == 0 ? _states[(int)KeyState.Free] + _loose : 0;

    /// <summary>Whether letters may be moved later, when more is known.</summary>
    public bool IsWaiting => _states[(int)KeyState.Waiting] > 0 || (Movable == 0 && _states[(int)KeyState.Free] + _loose > 0);

    /// <summary>Whether all outcomes are known that others wait for.</summary>
    public bool AllKnown => _states[(int)KeyState.Waiting] == 0;

    /// <summary>The places, among the replayed messages, of those whose outcome is awaited.</summary>
    public IReadOnlyCollection<int> Open => _open.Keys;

    /// <summary>The most letters of one key.</summary>
    public long Longest => _keys.Count == 0 ? 0 : _keys.Values.Max(key => key.Count);

    /// <summary>The field.</summary>
    public OrderField Field => by;

    /// <summary>Adds a letter, in the order of the queue.</summary>
    /// <param name="letter">The letter.</param>
    /// <param name="isSelected">Whether the replay selects it.</param>
    public void Add(DeadLetter letter, bool isSelected)
    {
        var value = by.ValueIn(letter);
        if (value is null)
        {
            if (isSelected && _letters.TryAdd(letter.Id, new OrderedLetter(letter, null)))
                (_withoutKey, _loose) = (_withoutKey + 1, _loose + 1);
            return;
        }
        var hash = HashOf(value);
        if (!isSelected)
        {
            _others.Add(hash);
            return;
        }
        if (!_keys.TryGetValue(hash, out var key))
            _keys.Add(hash, key = new KeyLetters(by.Masked(value)));
        key.PassesOthers |= _others.Contains(hash);
        var ordered = new OrderedLetter(letter, key);
        if (_letters.TryAdd(letter.Id, ordered))
            key.Add(ordered);
    }

    /// <summary>All letters were added.</summary>
    public void Complete()
    {
        _others.Clear();
        foreach (var key in _keys.Values)
        {
            key.Sort();
            _states[(int)key.State]++;
        }
    }

    /// <summary>A new pass through the queue begins.</summary>
    public void BeginPass() => _pass++;

    /// <summary>A pass has read the letter.</summary>
    public void See(DeadLetter letter)
    {
        if (Find(letter) is { } ordered)
            ordered.SeenIn = _pass;
    }

    /// <summary>Whether the letter may be moved now.</summary>
    public bool MayMove(DeadLetter letter) => Movable > 0 && Find(letter) is { IsDone: false } ordered && (ordered.Key?.IsNext(ordered) ?? true);

    /// <summary>Whether the letter may be moved later, when more is known.</summary>
    public bool MayMoveLater(DeadLetter letter) => Find(letter) is { IsDone: false } ordered && (ordered.Key is { } key ? key.State != KeyState.Ended && ordered.Number < key.HeldFrom : true);

    /// <summary>The letter was published.</summary>
    public void Published(DeadLetter letter) => Change(letter.Id, (ordered, key) =>
    {
        key?.Pass(ordered);
        key?.IsBusy = true;
        _published.Add(ordered.Id, ordered);
    });

    /// <summary>The broker has confirmed the letter, and it has left the queue.</summary>
    /// <param name="letter">The letter.</param>
    /// <param name="place">Its place among the replayed messages.</param>
    public void Moved(DeadLetter letter, int place)
    {
        if (_published.Remove(letter.Id, out var ordered) && (!IsProven || ordered.Key is { State: not KeyState.Ended })) // nothing waits for the others
            _open.Add(place, ordered);
    }

    /// <summary>All confirms have come: what was not moved, the broker did not accept.</summary>
    public void Confirmed()
    {
        foreach (var ordered in _published.Values)
            End(ordered, Unconfirmed);
        _published.Clear();
    }

    /// <summary>The broker did not accept the letter, or an alarm began before it confirmed.</summary>
    public void NotConfirmed(DeadLetter letter) => Stay(letter.Id, Unconfirmed);

    /// <summary>The letter is not moved; the later ones of its key stay too.</summary>
    public void Refused(string id) => Stay(id, "is refused");

    /// <summary>The letter was only removed: an earlier replay had published it.</summary>
    public void Removed(DeadLetter letter) => Change(letter.Id, (ordered, key) => key?.Pass(ordered));

    /// <summary>Takes the outcomes so far.</summary>
    /// <param name="outcomes">The outcome of each message in <see cref="Open"/>.</param>
    /// <returns>Whether one of them is new.</returns>
    public bool Learn(IEnumerable<(int Place, Replayed Message)> outcomes)
    {
        var isNew = false;
        foreach (var (place, message) in outcomes)
        {
            IsProven |= message.Outcome is Outcome.Handled or Outcome.Delayed or Outcome.Taken || message.Reported is not null;
            if (message.Outcome is not (Outcome.Handled or Outcome.FailedAgain or Outcome.Skipped) || !_open.Remove(place, out var ordered))
                continue;
            isNew = true;
            End(ordered, message.Outcome switch { Outcome.Handled => null, Outcome.Skipped => "was skipped", _ => "failed again" });
        }
        return isNew;
    }

    /// <summary>No more outcomes are awaited: a letter without one holds back the later ones of its key.</summary>
    /// <param name="outcomes">The outcome of each message in <see cref="Open"/>.</param>
    public void GiveUp(IEnumerable<(int Place, Replayed Message)> outcomes)
    {
        foreach (var (place, message) in outcomes)
        {
            if (_open.Remove(place, out var ordered))
                End(ordered, $"has no known outcome ({OutcomeCounts.Word(message.Outcome)})");
        }
    }

    /// <summary>The queue was read to its end: letters that could be moved and were not seen are gone.</summary>
    public void EndPass()
    {
        foreach (var letter in _letters.Values.Where(letter => letter.SeenIn != _pass && !letter.IsDone && letter.Key?.IsNext(letter) != false).ToList())
            Stay(letter.Id, Missing);
    }

    /// <summary>The letters that are held back, each with the reason.</summary>
    public IEnumerable<(string Id, string? MessageId, string Why)> Held =>
        from key in _keys.Values
        from letter in key.Held
        select (letter.Id, letter.MessageId, $"held back: in order by {by}, and an earlier dead letter of its key {key.Why}");

    /// <summary>The order, for the result.</summary>
    public ReplayOrder Result => new()
    {
        By = by.ToString(),
        Keys = _keys.Count,
        Longest = Longest,
        WithoutKey = _withoutKey,
        PassingOthers = _keys.Values.Count(key => key.PassesOthers),
        HeldBack = [.. from key in _keys.Values
                       let letters = key.Held.Count()
                       where letters > 0
                       select new HeldKey { Key = key.Shown, Letters = letters, Id = key.Blocking!.Id, MessageId = key.Blocking.MessageId, Why = key.Why }],
    };

    private static UInt128 HashOf(string value)
    {
        var hash = SHA256.HashData(Encoding.UTF8.GetBytes(value));
        return new UInt128(BitConverter.ToUInt64(hash), BitConverter.ToUInt64(hash, 8));
    }

    private OrderedLetter? Find(DeadLetter letter) => _letters.GetValueOrDefault(letter.Id);

    private void Stay(string id, string why) => Change(id, (ordered, key) =>
    {
        key?.Pass(ordered);
        key?.HoldAfter(ordered, why);
    });

    private void Change(string id, Action<OrderedLetter, KeyLetters?> change)
    {
        if (_letters.GetValueOrDefault(id) is { IsDone: false } ordered)
            Change(ordered, change);
    }

    private void Change(OrderedLetter ordered, Action<OrderedLetter, KeyLetters?> change)
    {
        if (!ordered.IsDone && ordered.Key is null)
            _loose--;
        if (ordered.Key is { } key)
            _states[(int)key.State]--;
        ordered.IsDone = true;
        change(ordered, ordered.Key);
        if (ordered.Key is { } after)
            _states[(int)after.State]++;
    }

    // The outcome of a moved letter is known, or no longer awaited. Why: null if the next letter may follow.
    private void End(OrderedLetter ordered, string? why) => Change(ordered, (_, key) =>
    {
        key?.IsBusy = false;
        if (why is not null)
            key?.HoldAfter(ordered, why);
    });
}
