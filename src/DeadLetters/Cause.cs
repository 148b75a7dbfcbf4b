using System.Collections.Concurrent;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.RegularExpressions;

namespace WorkinIt.DeadLetters;

/// <summary>Why messages failed, in the words that they have in common.</summary>
/// <param name="Id">Eight hexadecimal digits: names it in filters.</param>
/// <param name="ExceptionType">The exception's type; null where none is told.</param>
/// <param name="Text">The message, its ids, numbers and addresses replaced.</param>
public sealed partial record Cause(string Id, string? ExceptionType, string Text)
{
    private const int Remembered = 10_000;

    private static int _remembered;

    private static readonly ConcurrentDictionary<(string?, string), Cause> _known = new();

    internal static Cause Of(string? exceptionType, string reason)
    {
        if (_known.TryGetValue((exceptionType, reason), out var known))
            return known;
        var text = Numbers().Replace(Hexadecimal().Replace(Ids().Replace(Addresses().Replace(reason, "{address}"), "{id}"), "{id}"), "{n}");
        if (text.Length > 300)
            text = text[..300] + "…";
        if (!_known.TryGetValue((exceptionType, text), out var cause))
        {
            var hash = SHA256.HashData(Encoding.UTF8.GetBytes($"{exceptionType}\n{text}"));
            cause = new Cause(Convert.ToHexStringLower(hash.AsSpan(0, 4)), exceptionType, text);
            if (Interlocked.Increment(ref _remembered) <= Remembered)
                _known.TryAdd((exceptionType, text), cause);
        }
        if (Interlocked.Increment(ref _remembered) <= Remembered)
            _known.TryAdd((exceptionType, reason), cause);
        return cause;
    }

    [GeneratedRegex(@"[^\s<>@:;,""'()]+@[^\s<>@:;,""'()]*[^\s<>@:;,""'().]", RegexOptions.CultureInvariant)]
    internal static partial Regex Addresses();

    [GeneratedRegex("[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex Ids();

    [GeneratedRegex(@"\b(?=[0-9a-f]*\d)(?=[0-9a-f]*[a-f])[0-9a-f]{8,}\b", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex Hexadecimal();

    [GeneratedRegex(@"\d+(?:[.,:]\d+)*", RegexOptions.CultureInvariant)]
    private static partial Regex Numbers();
}

/// <summary>The dead letters of one cause.</summary>
/// <param name="Cause">Why.</param>
/// <param name="Count">How many.</param>
/// <param name="First">When the first failed; null where none tells.</param>
/// <param name="Last">When the last failed.</param>
/// <param name="Example">The dead letter's id of the first one in the queue.</param>
/// <param name="MessageTypes">The types among them, up to five.</param>
public sealed record CauseGroup(Cause Cause, long Count, DateTimeOffset? First, DateTimeOffset? Last, string Example, IReadOnlyList<string> MessageTypes)
{
    /// <summary>The count with thousands separated.</summary>
    public string CountText => Count.ToString("N0", CultureInfo.InvariantCulture);
}
