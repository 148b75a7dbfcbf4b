using RabbitMQ.Client;

namespace WorkinIt.DeadLetters;

/// <summary>Explains the headers and properties of a dead letter. What a move does with them is taken from the code that makes the moved message.</summary>
internal static class LetterExplanation
{
    /// <summary>The headers, then the properties.</summary>
    /// <param name="letter">The dead letter.</param>
    /// <param name="view">How its values are shown.</param>
    public static IReadOnlyList<LetterPart> Of(DeadLetter letter, LetterView view)
    {
        // A discarded message is restored before it can be replayed.
        var isDiscarded = letter.DiscardedFrom is not null;
        var moved = isDiscarded
            ? MovedProperties.Restored(letter)
            : MovedProperties.Replayed(letter, new ReplayRequest { Queue = letter.Queue, Filter = DeadLetterFilter.All, By = "" }, "", DateTimeOffset.UnixEpoch);
        var parts = view.Headers.Select(header => OfHeader(letter, header, moved.Headers!)).Concat(view.Properties.Select(property => OfProperty(letter, property, moved)));
        return [.. isDiscarded ? parts.Select(part => part with { Operation = "restore" }) : parts];
    }

    private static LetterPart OfHeader(DeadLetter letter, KeyValuePair<string, string> header, IDictionary<string, object?> moved)
    {
        var before = letter.Header(header.Key) ?? "";
        var (origin, meaning) = PartMeanings.OfHeader(header.Key, before.Length);
        var original = "Original-" + header.Key;
        var effect = !moved.ContainsKey(header.Key) ? header.Key is "CC" or "BCC" ? ReplayEffect.Renamed : ReplayEffect.Removed
            : (Headers.Text(moved, header.Key) ?? "") == before ? ReplayEffect.Kept : ReplayEffect.Changed;
        return new LetterPart(header.Key, header.Value, origin, meaning, effect, effect == ReplayEffect.Renamed ? original : null);
    }

    private static LetterPart OfProperty(DeadLetter letter, KeyValuePair<string, string> property, BasicProperties moved) => property.Key switch
    {
        // The discard set this one; a restore puts back the sender's into a header.
        "expiration" when letter.DiscardedFrom is not null => new LetterPart(property.Key, property.Value, PartOrigin.Operation, "How long a discarded message is kept, in milliseconds", ReplayEffect.Removed),
        "expiration" => Renamed(property, Headers.OriginalExpiration),
        "user_id" => Renamed(property, "Original-User-Id"),
        "delivery_mode" when moved.DeliveryMode != letter.Properties.DeliveryMode => Renamed(property, Headers.OriginalDeliveryMode),
        _ => new LetterPart(property.Key, property.Value, PartOrigin.Sender, PartMeanings.OfProperty(property.Key), ReplayEffect.Kept),
    };

    private static LetterPart Renamed(KeyValuePair<string, string> property, string header) =>
        new(property.Key, property.Value, PartOrigin.Sender, PartMeanings.OfProperty(property.Key), ReplayEffect.Renamed, header);
}
