using System.Globalization;

namespace WorkinIt.DeadLetters;

/// <summary>The order of a replay that keeps the order of each key; see <see cref="ReplayRequest.InOrderBy"/>.</summary>
public sealed class ReplayOrder
{
    internal ReplayOrder()
    {
    }

    /// <summary>The field with the key, as in <c>message.orderId</c>.</summary>
    public required string By { get; init; }

    /// <summary>How many keys the selected dead letters have.</summary>
    public required long Keys { get; init; }

    /// <summary>The most dead letters of one key.</summary>
    public required long Longest { get; init; }

    /// <summary>How many selected dead letters have no key: they are moved without an order.</summary>
    public required long WithoutKey { get; init; }

    /// <summary>How many keys have a dead letter in the queue that was not selected, before one that was: the replay does not wait for it.</summary>
    public required long PassingOthers { get; init; }

    /// <summary>The keys of which dead letters are held back, and so stay in the queue.</summary>
    public required IReadOnlyList<HeldKey> HeldBack { get; init; }

    /// <summary>The keys in words, as in <c>100 keys, at most 10 messages of one key</c>.</summary>
    public string Summary => string.Create(CultureInfo.InvariantCulture, $"{Count(Keys, "key")}, at most {Count(Longest, "message")} of one key{(WithoutKey > 0 ? $"; {Count(WithoutKey, "message")} without a key, replayed without an order" : "")}");

    /// <summary>How many keys are held back, as in <c>held back: 1 of 100 keys</c>.</summary>
    public string HeldSummary => string.Create(CultureInfo.InvariantCulture, $"held back: {HeldBack.Count:N0} of {Count(Keys, "key")}");

    internal static string Count(long count, string what) => string.Create(CultureInfo.InvariantCulture, $"{count:N0} {what}{(count == 1 ? "" : "s")}");
}

/// <summary>A key of which dead letters are held back.</summary>
public sealed class HeldKey
{
    internal HeldKey()
    {
    }

    /// <summary>The key, masked unless it is known to be harmless.</summary>
    public required string Key { get; init; }

    /// <summary>How many dead letters are held back.</summary>
    public required long Letters { get; init; }

    /// <summary>The id of the dead letter because of which they are, as it was before the replay.</summary>
    public required string Id { get; init; }

    /// <summary>Its MessageId; null if it has none.</summary>
    public required string? MessageId { get; init; }

    /// <summary>What became of it, such as <c>failed again</c>.</summary>
    public required string Why { get; init; }
}
