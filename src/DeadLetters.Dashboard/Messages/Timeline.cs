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
    // The header of the history has milliseconds, a database may have less.
    private static readonly TimeSpan _sameTime = TimeSpan.FromSeconds(1);

    /// <summary>The timeline of a message in the catalogue.</summary>
    /// <param name="history">Its letters, the oldest first.</param>
    /// <param name="shown">The letter that the page shows.</param>
    /// <param name="sent">When the message was sent; null if unknown.</param>
    /// <param name="tries">The tries that the message itself carries: those before the first letter of the catalogue are shown too.</param>
    /// <param name="replays">The outcomes of their replays, by the letter's key; null if none is known.</param>
    public static IReadOnlyList<TimelineStep> Of(
        IReadOnlyList<CatalogueLetter> history, CatalogueLetter shown, DateTimeOffset? sent, TryHistory? tries = null, IReadOnlyDictionary<long, FollowedReplay>? replays = null)
    {
        var steps = new List<TimelineStep>();
        var letters = history.Count > 0 ? history : [shown];
        var before = AddEarlier(steps, sent, tries ?? TryHistory.None, letters[0].At);
        foreach (var letter in letters)
        {
            steps.Add(new TimelineStep(letter.At, Failed(letter.ExceptionType, letter.Queue, letter.CauseId, null, before), "bad", letter.Key == shown.Key ? null : letter));
            if (letter.LeftAt is { } left)
                steps.Add(new TimelineStep(left, Left(letter), letter.State == LetterState.Replayed ? "good" : "", null));
            if (replays?.GetValueOrDefault(letter.Key) is { } replay && !history.Any(next => next.Id == replay.Message.NewLetter?.Id))
                steps.Add(OutcomeOf(replay));
            before = letter.CauseId;
        }
        return steps;
    }

    /// <summary>The timeline of a message that is in no catalogue, from what it carries; empty if it was not replayed.</summary>
    /// <param name="letter">The dead letter.</param>
    public static IReadOnlyList<TimelineStep> Of(DeadLetter letter)
    {
        if (letter.History.Tries.Count == 0 || letter.FailedAt is not { } at)
            return [];
        var steps = new List<TimelineStep>();
        var before = AddEarlier(steps, SentAt(letter), letter.History, at);
        steps.Add(new TimelineStep(at, Failed(letter.ExceptionType, letter.Queue, letter.Cause.Id, letter.Header("MT-Host-AssemblyVersion"), before), "bad", null));
        return steps;
    }

    // Returns the cause of the last one; null if there is none.
    private static string? AddEarlier(List<TimelineStep> steps, DateTimeOffset? sent, TryHistory tries, DateTimeOffset until)
    {
        if (sent is { } at)
            steps.Add(new TimelineStep(at, "Sent", "", null));
        string? before = null;
        var earlier = tries.Tries.Where(one => one.FailedAt < until - _sameTime).ToList();
        foreach (var one in earlier)
        {
            steps.Add(new TimelineStep(one.FailedAt!.Value, Failed(one.ExceptionType, one.Queue ?? "an unknown queue", one.Cause, one.Version, before), "bad", null));
            if (one.ReplayedAt is { } replayed)
                steps.Add(new TimelineStep(replayed, $"Replayed{(one.ReplayedBy is { Length: > 0 } by ? $" by {by}" : "")}", "good", null));
            if (one == earlier[0] && tries.Omitted > 0)
                steps.Add(new TimelineStep(one.ReplayedAt ?? one.FailedAt.Value, $"{Format.Number(tries.Omitted)} more tries, not recorded", "", null));
            before = one.Cause;
        }
        return before;
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

    private static string Failed(string? exception, string queue, string? cause, string? version, string? before)
    {
        var what = $"{Format.ShortType(exception) ?? "no exception recorded"} in {queue}{(version is null ? "" : $" (version {version})")}";
        return before is null ? $"Failed: {what}"
            : before == cause ? $"Failed again, same cause: {what}"
            : $"Failed again, another cause: {what}";
    }

    private static string Left(CatalogueLetter letter)
    {
        var word = LetterKey.Word(letter);
        return char.ToUpperInvariant(word[0]) + word[1..] + (letter.By is { Length: > 0 } by ? $" by {by}" : "");
    }
}
