using System.Globalization;
using System.Text.RegularExpressions;

namespace WorkinIt.DeadLetters;

/// <summary>Messages of a dry run or a result whose reasons differ only in times, ids and numbers.</summary>
/// <typeparam name="T">A message, as the result has it.</typeparam>
/// <param name="Text">
/// The reason of all of them. Where it differs, it has the earliest time and the latest, the lowest number and the highest, and “…” for an id.
/// </param>
/// <param name="Messages">The messages.</param>
public sealed record ReasonGroup<T>(string Text, IReadOnlyList<T> Messages);

/// <summary>Groups messages by reason.</summary>
public static partial class ReasonGroups
{
    /// <summary>Groups messages by reason, the largest group first.</summary>
    /// <typeparam name="T">A message.</typeparam>
    /// <param name="messages">The messages.</param>
    /// <param name="reason">The reason of one message.</param>
    public static IReadOnlyList<ReasonGroup<T>> Of<T>(IEnumerable<T> messages, Func<T, string> reason)
    {
        var groups = new Dictionary<string, (string Text, List<T> Messages, Slot[] Slots)>();
        foreach (var message in messages)
        {
            var text = reason(message);
            var values = Varying().Matches(text);
            var key = Varying().Replace(text, value => $"\0{KindOf(value)}");
            if (!groups.TryGetValue(key, out var group))
                groups.Add(key, group = (text, [], [.. values.Select(value => new Slot(KindOf(value), value.Value))]));
            group.Messages.Add(message);
            for (var slot = 0; slot < group.Slots.Length; slot++)
                group.Slots[slot].See(values[slot].Value);
        }
        return [.. groups.Values.OrderByDescending(group => group.Messages.Count).Select(group => new ReasonGroup<T>(TextOf(group.Text, group.Slots), group.Messages))];
    }

    private static string TextOf(string text, Slot[] slots)
    {
        var next = 0;
        return Varying().Replace(text, _ => slots[next++].ToString());
    }

    private static Kind KindOf(Match value) => value.Groups["time"].Success ? Kind.Time : value.Groups["id"].Success ? Kind.Id : Kind.Number;

    [GeneratedRegex(
        @"(?<time>\d{4}-\d\d-\d\d \d\d:\d\d:\d\dZ)|(?<id>\b[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}\b|\b(?=[0-9a-f]*\d)(?=[0-9a-f]*[a-f])[0-9a-f]{8,}\b)|\d+(?:[.,]\d+)*",
        RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex Varying();

    private enum Kind
    {
        Time,
        Id,
        Number,
    }

    /// <summary>A place in the text where the messages may differ.</summary>
    private sealed class Slot(Kind kind, string first)
    {
        private string _low = first;
        private string _high = first;
        private bool _hasOrder = true;

        public void See(string value)
        {
            if (value == _low || value == _high)
                return;
            if (Compare(value, _low) < 0)
                _low = value;
            else if (Compare(value, _high) > 0)
                _high = value;
        }

        public override string ToString() =>
            _low == _high && _hasOrder ? _low
            : !_hasOrder ? "…"
            : kind == Kind.Time ? $"{_low} (latest: {_high})" : $"{_low} to {_high}";

        private int Compare(string one, string other)
        {
            if (kind == Kind.Time)
                return string.CompareOrdinal(one, other);
            if (kind == Kind.Number && Number(one) is { } number && Number(other) is { } otherNumber)
                return number.CompareTo(otherNumber);
            _hasOrder = false; // ids, and numbers such as 5.1.1
            return 0;
        }

        private static decimal? Number(string text) =>
            decimal.TryParse(text, NumberStyles.AllowThousands | NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var number) ? number : null;
    }
}
