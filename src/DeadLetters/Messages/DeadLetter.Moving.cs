using System.Globalization;

namespace WorkinIt.DeadLetters;

/// <content>What matters when a dead letter is moved: where it failed, when it expires, and where its response goes.</content>
public sealed partial class DeadLetter
{
    /// <summary>For a request: the address that the consumer's response goes to. Null if the message is not a request.</summary>
    public string? ResponseAddress =>
        (Envelope.IsEnvelope(ContentType) ? Envelope.TextOf(Body.Span, Envelope.ResponseAddress) : null) ?? (Header(Headers.ResponseAddress) is { Length: > 0 } address ? address : null);

    /// <summary>The exchange in <see cref="ResponseAddress"/>; null if there is none.</summary>
    public string? AnswersTo => AddressName(ResponseAddress);

    /// <summary>Whether the message can be edited: the body contains JSON, whatever its content type.</summary>
    public bool CanBeEdited => MessageJson is not null;

    /// <summary>How long the message may wait in this queue: its own expiration or the queue's message-ttl, whichever is shorter; null: no limit.</summary>
    public TimeSpan? TimeToLive
    {
        get
        {
            var own = Properties.IsExpirationPresent() && long.TryParse(Properties.Expiration, CultureInfo.InvariantCulture, out var milliseconds) && milliseconds is >= 0 and <= uint.MaxValue
                ? TimeSpan.FromMilliseconds(milliseconds)
                : (TimeSpan?)null;
            return own is null || QueueTimeToLive < own ? QueueTimeToLive : own;
        }
    }

    /// <summary>The queue's message-ttl; null if it has none.</summary>
    public TimeSpan? QueueTimeToLive { get; internal set; }

    /// <summary>
    /// When the message expires, as in “expires in 5 h”; null if it does not expire. The broker does not report since when a message waits: if the
    /// message does not either, this is the longest possible time.
    /// </summary>
    /// <param name="now">The current time.</param>
    public string? Expires(DateTimeOffset now)
    {
        if (TimeToLive is not { } life)
            return null;
        var since = DateTimeOffset.TryParse(Header(Headers.DiscardedAt), CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var at) ? at : FailedAt;
        return since + life - now is { } left && left > TimeSpan.Zero && left <= life ? $"expires in {Duration.Words(left)}" : $"expires in at most {Duration.Words(life)}";
    }

    /// <summary>The queue in <c>MT-Fault-InputAddress</c>; null if there is none.</summary>
    internal string? FaultedIn => AddressName(Header("MT-Fault-InputAddress"));

    /// <summary>The exchange or queue in a MassTransit address; null if there is none.</summary>
    private static string? AddressName(string? address) =>
        address is not null && Uri.TryCreate(address, UriKind.Absolute, out var uri) && Uri.UnescapeDataString(uri.AbsolutePath[(uri.AbsolutePath.LastIndexOf('/') + 1)..]) is { Length: > 0 } name
            ? name
            : null;
}
