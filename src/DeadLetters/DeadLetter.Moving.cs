using System.Globalization;

namespace WorkinIt.DeadLetters;

/// <content>What counts when it is moved: where it failed, how long it lives, who waits for its answer.</content>
public sealed partial class DeadLetter
{
    /// <summary>Where its consumer's answer goes, of a request; null where it is none.</summary>
    public string? ResponseAddress =>
        (Envelope.IsEnvelope(ContentType) ? Envelope.TextOf(Body.Span, Envelope.ResponseAddress) : null) ?? (Header(Headers.ResponseAddress) is { Length: > 0 } address ? address : null);

    /// <summary>The exchange in <see cref="ResponseAddress"/>; null where there is none.</summary>
    public string? AnswersTo => AddressName(ResponseAddress);

    /// <summary>Whether its message can be edited: there is JSON in the body, whatever its content type.</summary>
    public bool CanBeEdited => MessageJson is not null;

    /// <summary>How long it may wait in this queue, by its own expiration and by the queue's message-ttl; null: it does not expire.</summary>
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

    /// <summary>How long the queue lets a message wait; null where it sets no limit.</summary>
    public TimeSpan? QueueTimeToLive { get; internal set; }

    /// <summary>As in “expires in 5 h”; null where it does not expire. The broker does not say since when it waits: where the message does not either, its longest time.</summary>
    /// <param name="now">The time.</param>
    public string? Expires(DateTimeOffset now)
    {
        if (TimeToLive is not { } life)
            return null;
        var since = DateTimeOffset.TryParse(Header(Headers.DiscardedAt), CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var at) ? at : FailedAt;
        return since + life - now is { } left && left > TimeSpan.Zero && left <= life ? $"expires in {Duration.Words(left)}" : $"expires in at most {Duration.Words(life)}";
    }

    /// <summary>The queue in <c>MT-Fault-InputAddress</c>; null where there is none.</summary>
    internal string? FaultedIn => AddressName(Header("MT-Fault-InputAddress"));

    /// <summary>The exchange or queue that a MassTransit address names; null where it names none.</summary>
    private static string? AddressName(string? address) =>
        address is not null && Uri.TryCreate(address, UriKind.Absolute, out var uri) && Uri.UnescapeDataString(uri.AbsolutePath[(uri.AbsolutePath.LastIndexOf('/') + 1)..]) is { Length: > 0 } name
            ? name
            : null;
}
