using System.Globalization;

namespace WorkinIt.DeadLetters.Dashboard.Shared;

/// <summary>Numbers and names as the pages write them.</summary>
internal static class Format
{
    private const int LongestName = 36;

    public static string Number(long number) => number.ToString("N0", CultureInfo.InvariantCulture);

    public static string DeadLetters(long count) => count == 1 ? "1 dead letter" : Number(count) + " dead letters";

    /// <summary>What to call a message on a page and in an address: its MessageId, or its dead-letter id if the MessageId is missing or may be personal data.</summary>
    public static string IdOf(string? messageId, string letterId) => messageId is not null && Masking.Value(messageId) == messageId ? messageId : letterId;

    /// <summary>An exception's type without its namespace.</summary>
    public static string? ShortType(string? type) => type?[(type.LastIndexOf('.') + 1)..];

    /// <summary>A name that fits on one line of a narrow screen.</summary>
    public static string OneLine(string name) => name.Length > LongestName ? name[..(LongestName - 1)] + "…" : name;

    /// <summary>A message's type without its namespace: the last part of <c>Orders:PlaceOrder</c>.</summary>
    public static string ShortMessage(string type) => type[(type.LastIndexOf(':') + 1)..];
}
