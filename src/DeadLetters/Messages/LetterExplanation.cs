using RabbitMQ.Client;

namespace WorkinIt.DeadLetters;

/// <summary>Explains the headers and properties of a dead letter. What a replay does with them is taken from the code that makes the replayed message.</summary>
internal static class LetterExplanation
{
    /// <summary>The headers, then the properties.</summary>
    /// <param name="letter">The dead letter.</param>
    /// <param name="view">How its values are shown.</param>
    public static IReadOnlyList<LetterPart> Of(DeadLetter letter, LetterView view)
    {
        var replayed = MovedProperties.Replayed(letter, new ReplayRequest { Queue = letter.Queue, Filter = DeadLetterFilter.All, By = "" }, "", DateTimeOffset.UnixEpoch);
        return [.. view.Headers.Select(header => OfHeader(letter, header, replayed.Headers!)), .. view.Properties.Select(property => OfProperty(letter, property, replayed))];
    }

    private static LetterPart OfHeader(DeadLetter letter, KeyValuePair<string, string> header, IDictionary<string, object?> replayed)
    {
        var before = letter.Header(header.Key) ?? "";
        var (origin, meaning) = PartMeanings.OfHeader(header.Key, before.Length);
        var original = "Original-" + header.Key;
        var effect = !replayed.ContainsKey(header.Key) ? replayed.ContainsKey(original) ? ReplayEffect.Renamed : ReplayEffect.Removed
            : Headers.Text(replayed, header.Key) == before ? ReplayEffect.Kept : ReplayEffect.Changed;
        return new LetterPart(header.Key, header.Value, origin, meaning, effect, effect == ReplayEffect.Renamed ? original : null);
    }

    private static LetterPart OfProperty(DeadLetter letter, KeyValuePair<string, string> property, BasicProperties replayed)
    {
        var (effect, header) = property.Key switch
        {
            "expiration" => (ReplayEffect.Renamed, Headers.OriginalExpiration),
            "user_id" => (ReplayEffect.Renamed, "Original-User-Id"),
            "delivery_mode" when replayed.DeliveryMode != letter.Properties.DeliveryMode => (ReplayEffect.Renamed, Headers.OriginalDeliveryMode),
            _ => (ReplayEffect.Kept, (string?)null),
        };
        return new LetterPart(property.Key, property.Value, PartOrigin.Sender, PartMeanings.OfProperty(property.Key), effect, header);
    }
}
