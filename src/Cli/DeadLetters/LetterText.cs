using System.Globalization;
using System.Text;
using System.Text.Json;
using WorkinIt.DeadLetters;

namespace WorkinIt.Cli.DeadLetters;

/// <summary>A dead letter of a broker as <c>show</c> writes it.</summary>
internal static class LetterText
{
    private const int LongestStack = 40;
    private const int LongestBinary = 512;

    public static ShownLetter Of(DeadLetter letter, bool revealed)
    {
        var view = new LetterView(letter, revealed);
        return new ShownLetter(Json(view), Facts(letter, view), [.. Sections(letter, view)], view.Parts);
    }

    /// <summary>The first lines of a stack trace.</summary>
    public static string Stack(string stack) => string.Join('\n', stack.Split('\n').Take(LongestStack));

    private static string Json(LetterView view)
    {
        using var buffer = new MemoryStream();
        using (var writer = new Utf8JsonWriter(buffer))
            view.Write(writer);
        return Encoding.UTF8.GetString(buffer.GetBuffer(), 0, (int)buffer.Length);
    }

    private static IEnumerable<(string Title, string Text)> Sections(DeadLetter letter, LetterView view)
    {
        var revealed = view.IsRevealed;
        if (view.Message is { } json)
            yield return (revealed ? "Message" : "Message, masked (--reveal shows it)", Part(json));
        else if (view.Body is { } text)
            yield return (revealed ? "Body" : "Body, masked (--reveal shows it)", Part(text));
        else
            yield return ("Body", revealed ? Convert.ToHexString(letter.Body.Span[..Math.Min(letter.Body.Length, LongestBinary)]) : "binary data (--reveal shows it)");
        if (letter.History.Tries.Count > 0)
            yield return ("Earlier tries", Tries(letter));
        if (view.StackTrace is { } stack)
            yield return ("Stack trace", Stack(stack));
        if (view.Headers.Where(header => header.Key != "MT-Fault-StackTrace").Concat(view.Properties).ToList() is { Count: > 0 } headers)
            yield return (revealed ? "Headers and properties" : "Headers and properties, masked", string.Join('\n', headers.Select(header => $"{header.Key}: {header.Value}")));

        static string Part(ShownText part) => part.IsCut ? $"{part.Text}\n… cut after {ListCommand.Number(part.Text.Length)} characters: export writes the complete text" : part.Text;
    }

    private static string Tries(DeadLetter letter)
    {
        var lines = new List<string>();
        foreach (var one in letter.History.Tries)
        {
            lines.Add($"{ListCommand.Time(one.FailedAt)}  {one.ExceptionType ?? "unknown exception"}{Part(", ", one.Consumer)}{Part(", version ", one.Version)}{Part("; replayed by ", one.ReplayedBy)}{Part(" at ", one.ReplayedAt is { } at ? ListCommand.Time(at) : null)}");
            if (lines.Count == 1 && letter.History.Omitted > 0)
                lines.Add($"{ListCommand.Number(letter.History.Omitted)} more, not recorded");
        }
        lines.Add(letter.History.Tries[^1].Cause == letter.Cause.Id ? "This time: the same cause as before the last replay" : "This time: another cause than before the last replay");
        return string.Join('\n', lines);

        static string Part(string before, string? text) => string.IsNullOrEmpty(text) ? "" : before + text;
    }

    private static IReadOnlyList<(string Name, string? Value)> Facts(DeadLetter letter, LetterView view) =>
    [
        ("Id", letter.Id),
        ("Message id", view.MessageId ?? "none"),
        ("Queue", $"{letter.Queue}, position {ListCommand.Number(letter.Position)}"),
        ("Failed at", ListCommand.Time(letter.FailedAt)),
        ("Failed in", letter.FailedIn),
        ("Why", $"{letter.ExceptionType}: {view.Reason}"),
        ("Cause", letter.Cause.Id),
        ("Message types", string.Join(", ", letter.MessageTypes)),
        ("Consumer", letter.Consumer),
        ("Retries in place", letter.Retries?.ToString(CultureInfo.InvariantCulture)),
        ("Host", letter.Host),
        ("Last replay", letter.LastReplay is { } replay ? $"by {replay.By} at {ListCommand.Time(replay.At)} ({replay.Count} so far), {replay.Id}" : null),
        ("Expires", letter.Expires(DateTimeOffset.UtcNow)),
        ("Request", letter.ResponseAddress is { } address ? $"its consumer responds to {address}. If that no longer exists, the consumer may run twice: replay --without-response removes the address" : null),
        ("Content type", letter.ContentType ?? "none"),
        ("Size", $"{ListCommand.Number(letter.Body.Length)} bytes"),
        ("Unreadable", letter.Unreadable),
    ];
}
