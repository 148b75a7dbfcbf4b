using System.Text.Encodings.Web;
using System.Text.Json;
using WorkinIt.Cli.DeadLetters;
using WorkinIt.DeadLetters;
using WorkinIt.DeadLetters.Dashboard.Api;

namespace WorkinIt.Cli.Remote;

/// <summary>A dead letter of a server as <c>show</c> writes it.</summary>
internal static class ServerLetterText
{
    private static readonly JsonSerializerOptions _indented = new() { WriteIndented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, MaxDepth = 600 };

    public static ShownLetter Of(ApiLetterDetails letter) => new(letter.Line?.GetRawText() ?? "null", Facts(letter), [.. Sections(letter)], Parts(letter));

    private static IReadOnlyList<LetterPart> Parts(ApiLetterDetails letter)
    {
        var operation = letter.Headers.Any(header => header.Name == "Discarded-From") ? "restore" : "replay";
        return [.. letter.Headers.Concat(letter.Properties).Select(value => new LetterPart(value.Name, value.Value, value.From, value.Meaning, value.OnReplay, value.BecomesHeader) { Operation = operation })];
    }

    private static IReadOnlyList<(string Name, string? Value)> Facts(ApiLetterDetails details)
    {
        var letter = details.Letter;
        return
        [
            ("Id", letter.Id),
            ("Message id", Text(details, "messageId") ?? "none"),
            ("Queue", $"{letter.Queue} ({letter.Source}){(letter.State == global::WorkinIt.DeadLetters.Catalogue.Store.LetterState.There ? "" : $", {letter.State.ToString().ToLowerInvariant()}")}"),
            ("Failed at", ListCommand.Time(letter.At)),
            ("Failed in", Text(details, "failedIn")),
            ("Why", $"{letter.ExceptionType}: {details.Reason}"),
            ("Cause", letter.Cause),
            ("Message types", string.Join(", ", details.MessageTypes)),
            ("Consumer", letter.Consumer),
            ("Version", letter.Version),
            ("Content type", details.ContentType ?? "none"),
            ("Size", $"{ListCommand.Number(letter.Size)} bytes"),
            ("Unreadable", details.Unreadable),
        ];
    }

    private static IEnumerable<(string Title, string Text)> Sections(ApiLetterDetails letter)
    {
        var masked = letter.IsRevealed ? "" : ", masked (--reveal shows it)";
        if (letter.Message is { } message)
            yield return ($"Message{masked}", JsonSerializer.Serialize(message, _indented));
        else
            yield return ($"Body{masked}", letter.BodyText ?? "binary data");
        if (letter.Timeline.Count > 0)
            yield return ("History", string.Join('\n', letter.Timeline.Select(step => $"{ListCommand.Time(step.At)}  {step.Text}")));
        if (letter.StackTrace is { } stack)
            yield return ("Stack trace", LetterText.Stack(stack));
        if (letter.Headers.Where(header => header.Name != "MT-Fault-StackTrace").Concat(letter.Properties).ToList() is { Count: > 0 } headers)
            yield return (letter.IsRevealed ? "Headers and properties" : "Headers and properties, masked", string.Join('\n', headers.Select(header => $"{header.Name}: {header.Value}")));
    }

    private static string? Text(ApiLetterDetails letter, string name) =>
        letter.Line is { ValueKind: JsonValueKind.Object } line && line.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;
}
