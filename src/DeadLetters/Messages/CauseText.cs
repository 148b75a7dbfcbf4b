using System.Collections.Concurrent;
using System.Text.RegularExpressions;

namespace WorkinIt.DeadLetters;

/// <summary>Replaces what differs from message to message in a text: addresses, ids, numbers, quoted words.</summary>
internal static partial class CauseText
{
    private const int MostRead = 2048; // MassTransit cuts exception messages there
    private const int MostShown = 300;
    private const long MostKept = 2 * 1024 * 1024; // characters in total: 4 MB

    private static readonly ConcurrentDictionary<string, string> _known = new();

    private static long _kept;

    public static string Of(string reason)
    {
        if (reason.Length > MostRead)
            reason = reason[..MostRead];
        if (_known.TryGetValue(reason, out var known))
            return known;
        var text = Numbers().Replace(Hexadecimal().Replace(Quoted().Replace(Ids().Replace(EmailAddresses.Replace(reason, _ => "{address}"), "{id}"), Words), "{id}"), "{n}");
        if (text.Length > MostShown)
            text = text[..MostShown] + "…";
        Keep(reason, text);
        return text;
    }

    // The cache is limited by size, not by number of entries: a reason may have kilobytes.
    private static void Keep(string reason, string text)
    {
        if (Interlocked.Add(ref _kept, reason.Length + text.Length) > MostKept)
        {
            _known.Clear();
            Interlocked.Exchange(ref _kept, reason.Length + text.Length);
        }
        _known[reason] = text;
    }

    // Keep a quoted type or queue name: it comes from the program, and says more than a placeholder.
    private static string Words(Match match) => match.Value.Contains('{', StringComparison.Ordinal) || match.Value.Any(char.IsWhiteSpace) || match.Value.Any(char.IsAsciiDigit)
        ? $"{match.Value[0]}{{text}}{match.Value[^1]}" : match.Value;

    [GeneratedRegex("[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex Ids();

    [GeneratedRegex(@"""[^""\r\n]{1,200}""|(?<!\w)'[^'\r\n]{1,200}'(?!\w)|“[^”]{1,200}”", RegexOptions.CultureInvariant)]
    private static partial Regex Quoted();

    [GeneratedRegex(@"\b(?=[0-9a-f]*\d)(?=[0-9a-f]*[a-f])[0-9a-f]{8,}\b", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex Hexadecimal();

    [GeneratedRegex(@"\d+(?:[.,:]\d+)*", RegexOptions.CultureInvariant)]
    private static partial Regex Numbers();
}
