using System.Text.Json;
using WorkinIt.DeadLetters.Catalogue.Store;
using WorkinIt.DeadLetters.Dashboard.Messages;
using WorkinIt.DeadLetters.Dashboard.Shared;

namespace WorkinIt.DeadLetters.Dashboard.Api;

/// <summary>A dead letter with its message, headers and history; masked unless it is revealed.</summary>
internal sealed record ApiLetterDetails
{
    public required ApiLetter Letter { get; init; }

    /// <summary>Whether it is shown unmasked.</summary>
    public required bool IsRevealed { get; init; }

    public required string Reason { get; init; }

    public string? StackTrace { get; init; }

    public string? ContentType { get; init; }

    public IReadOnlyList<string> MessageTypes { get; init; } = [];

    public IReadOnlyList<ApiValue> Properties { get; init; } = [];

    public IReadOnlyList<ApiValue> Headers { get; init; } = [];

    /// <summary>The message; null if it is not JSON, or too large to show.</summary>
    public JsonElement? Message { get; init; }

    /// <summary>The body as text, if there is no message; null if it is not text.</summary>
    public string? BodyText { get; init; }

    /// <summary>The body byte for byte, in base64; only if it is revealed.</summary>
    public string? Body { get; init; }

    /// <summary>Why consumers can't read it; null if they can.</summary>
    public string? Unreadable { get; init; }

    public bool CanBeEdited { get; init; }

    /// <summary>With line=true: the line of an export; masked, it has no body.</summary>
    public JsonElement? Line { get; init; }

    /// <summary>What happened to it, the oldest first.</summary>
    public IReadOnlyList<ApiStep> Timeline { get; init; } = [];

    public static ApiLetterDetails Example { get; } = new()
    {
        Letter = ApiLetter.Example,
        IsRevealed = false,
        Reason = ApiLetter.Example.Reason,
        ContentType = "application/vnd.masstransit+json",
        MessageTypes = ["Orders:PlaceOrder"],
        Headers = [new ApiValue("MT-Fault-RetryCount", "3", PartOrigin.MassTransit, ReplayEffect.Removed) { Meaning = "How often it was retried in place before the failure that is recorded here" }],
        Message = JsonElement.Parse("""{ "orderId": 4711, "customer": "J••• (8 characters)" }"""),
        CanBeEdited = true,
        Timeline = [new ApiStep(ApiExamples.Time, "Failed in orders_error: System.TimeoutException")],
    };

    public static ApiLetterDetails Of(PageContext page, LetterModel model)
    {
        var (letter, view) = (model.Letter, model.View);
        LetterPart[] parts = [.. view.Parts];
        var headers = view.Headers.Count();
        var message = view.Message is { IsCut: false } text ? JsonElement.Parse(text.Text, new JsonDocumentOptions { MaxDepth = ApiAnswer.Json.MaxDepth }) : (JsonElement?)null;
        return new ApiLetterDetails
        {
            Letter = model.Found is { } found ? ApiLetter.Of(found.Stored.Entry) : ApiLetter.Of(page.Source, letter),
            IsRevealed = model.Revealed,
            Reason = view.Reason,
            StackTrace = view.StackTrace,
            ContentType = letter.ContentType,
            MessageTypes = letter.MessageTypes,
            Properties = [.. parts[headers..].Select(ApiValue.Of)],
            Headers = [.. parts[..headers].Select(ApiValue.Of)],
            Message = message,
            BodyText = message is null ? view.Body?.Text : null,
            Body = model.Revealed ? Convert.ToBase64String(letter.Body.Span) : null,
            Unreadable = letter.Unreadable,
            CanBeEdited = model.CanBeEdited && !model.Queue.IsDiscarded,
            Line = page.IsTicked(LetterApi.Line) ? LineOf(view) : null,
            Timeline = [.. model.Timeline.Select(step => new ApiStep(step.At, step.Text))],
        };
    }

    private static JsonElement LineOf(LetterView view)
    {
        using var line = new MemoryStream();
        using (var writer = new Utf8JsonWriter(line))
            view.Write(writer);
        return JsonElement.Parse(line.ToArray(), new JsonDocumentOptions { MaxDepth = ApiAnswer.Json.MaxDepth });
    }
}

/// <summary>A header or a property.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Value">Its value as text, masked unless the letter is revealed.</param>
/// <param name="From">Who added it.</param>
/// <param name="OnReplay">What a replay does with it; of a discarded message, what a restore does.</param>
internal sealed record ApiValue(string Name, string Value, PartOrigin From, ReplayEffect OnReplay)
{
    /// <summary>What it says; null if only the sender knows.</summary>
    public string? Meaning { get; init; }

    /// <summary>The name of the header that it becomes; null unless it is renamed.</summary>
    public string? BecomesHeader { get; init; }

    public static ApiValue Of(LetterPart part) => new(part.Name, part.Value, part.Origin, part.Effect) { Meaning = part.Meaning, BecomesHeader = part.BecomesHeader };
}

/// <summary>A step of a message's history.</summary>
internal sealed record ApiStep(DateTimeOffset At, string Text);
