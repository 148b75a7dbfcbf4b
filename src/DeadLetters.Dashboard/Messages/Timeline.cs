using System.Text.Json;
using WorkinIt.DeadLetters.Catalogue.Replays;
using WorkinIt.DeadLetters.Catalogue.Store;
using WorkinIt.DeadLetters.Dashboard.BoardPages;
using WorkinIt.DeadLetters.Dashboard.Shared;

namespace WorkinIt.DeadLetters.Dashboard.Messages;

/// <summary>One step of a message.</summary>
/// <param name="At">When.</param>
/// <param name="Text">What happened.</param>
/// <param name="Kind">The CSS class: bad for a failure, good for a replay, otherwise empty.</param>
/// <param name="Letter">The letter of the failure, if it is another one than the page shows.</param>
internal sealed record TimelineStep(DateTimeOffset At, string Text, string Kind, CatalogueLetter? Letter);

/// <summary>What happened to a message: sent, failed, replayed by whom, failed again for the same cause or another one.</summary>
internal static class Timeline
{
    /// <param name="history">Its letters, the oldest first.</param>
    /// <param name="shown">The letter that the page shows.</param>
    /// <param name="sent">When the message was sent; null if unknown.</param>
    /// <param name="replays">The outcomes of their replays, by the letter's key; null if none is known.</param>
    public static IReadOnlyList<TimelineStep> Of(
        IReadOnlyList<CatalogueLetter> history, CatalogueLetter shown, DateTimeOffset? sent, IReadOnlyDictionary<long, FollowedReplay>? replays = null)
    {
        var steps = new List<TimelineStep>();
        if (sent is { } at)
            steps.Add(new TimelineStep(at, "Sent", "", null));
        CatalogueLetter? before = null;
        foreach (var letter in history.Count > 0 ? history : [shown])
        {
            steps.Add(new TimelineStep(letter.At, Failed(letter, before), "bad", letter.Key == shown.Key ? null : letter));
            if (letter.LeftAt is { } left)
                steps.Add(new TimelineStep(left, Left(letter), letter.State == LetterState.Replayed ? "good" : "", null));
            if (replays?.GetValueOrDefault(letter.Key) is { } replay && !history.Any(next => next.Id == replay.Message.NewLetter?.Id))
                steps.Add(OutcomeOf(replay));
            before = letter;
        }
        return steps;
    }

    private static TimelineStep OutcomeOf(FollowedReplay replay)
    {
        var (message, word) = (replay.Message, OutcomeCounts.Word(replay.Message.Outcome));
        var text = $"{char.ToUpperInvariant(word[0])}{word[1..]}{(message.Reported?.ToString() is { Length: > 0 } reported ? $" {reported}" : "")}";
        return new TimelineStep(replay.At, Format.ShortType(message.Reported?.ExceptionType) is { } exception ? $"{text}: {exception}" : text, message.Outcome switch
        {
            Outcome.Handled => "good",
            Outcome.FailedAgain or Outcome.Skipped => "bad",
            _ => "",
        }, null);
    }

    /// <summary>When a message in MassTransit's envelope was sent; null if the envelope does not say.</summary>
    public static DateTimeOffset? SentAt(DeadLetter letter)
    {
        if (letter.ContentType?.StartsWith("application/vnd.masstransit+json", StringComparison.Ordinal) != true)
            return null;
        try
        {
            using var envelope = JsonDocument.Parse(letter.Body);
            return envelope.RootElement.ValueKind == JsonValueKind.Object && envelope.RootElement.TryGetProperty("sentTime", out var sent)
                && sent.ValueKind == JsonValueKind.String && sent.TryGetDateTimeOffset(out var at) ? at : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private static string Failed(CatalogueLetter letter, CatalogueLetter? before)
    {
        var what = $"{Format.ShortType(letter.ExceptionType) ?? "no exception recorded"} in {letter.Queue}";
        return before is null ? $"Failed: {what}"
            : before.CauseId == letter.CauseId ? $"Failed again, same cause: {what}"
            : $"Failed again, another cause: {what}";
    }

    private static string Left(CatalogueLetter letter)
    {
        var word = LetterKey.Word(letter.State);
        return char.ToUpperInvariant(word[0]) + word[1..] + (letter.By is { Length: > 0 } by ? $" by {by}" : "");
    }
}
