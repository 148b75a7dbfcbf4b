using Microsoft.AspNetCore.Http;

namespace WorkinIt.DeadLetters.Dashboard.Looking;

/// <summary>One dead letter, masked until it is revealed.</summary>
internal static class LetterPage
{
    public static async Task<IResult> ShowAsync(PageContext page)
    {
        var queue = await QueuePages.FindAsync(page);
        return QueuePages.MustAsk(page, queue) ? QueuePages.Ask(page, queue)
            : await FindAsync(page, queue) is { } letter ? Render(page, queue, letter, revealed: false)
            : Gone(page);
    }

    /// <summary>Shows it once, unmasked, after that was written down.</summary>
    public static async Task<IResult> RevealAsync(PageContext page)
    {
        var queue = await QueuePages.FindAsync(page);
        if (await FindAsync(page, queue) is not { } letter)
            return Gone(page);
        await page.Broker.RevealedAsync(letter, page.By, page.Aborted);
        return Render(page, queue, letter, revealed: true);
    }

    public static Task<DeadLetter?> FindAsync(PageContext page, DeadLetterQueue queue) =>
        page.Broker.FindAsync(queue.Name, page.Route("id"), page.By, page.Aborted);

    public static IResult Gone(PageContext page) => page.Problem(
        StatusCodes.Status404NotFound, "It is not here any more", $"{page.Queue} holds no dead letter {page.Route("id")}.",
        "It was replayed or discarded meanwhile: the audit tells by whom, and Find tells where it is now.");

    private static IResult Render(PageContext page, DeadLetterQueue queue, DeadLetter letter, bool revealed) =>
        page.Page<OneLetter, LetterModel>($"Dead letter {letter.Id}", new LetterModel(queue, letter, revealed));
}

internal sealed record LetterModel(DeadLetterQueue Queue, DeadLetter Letter, bool Revealed)
{
    // A page of more is of no use to anybody's eyes; export has it whole.
    private const int MostShown = 200_000;

    public string? Message => Shown(Letter.MessageJson is { } json ? Revealed ? json : Masking.Json(json) : null);

    public string? Body => Shown(Letter.BodyText is { } text ? Revealed ? text : Masking.Body(text, IsEnvelope) : null);

    public string Reason => Revealed ? Letter.Reason : Masking.Text(Letter.Reason);

    public string? Stack => Letter.StackTrace is { } stack ? Revealed ? stack : Masking.Text(stack) : null;

    public bool CanBeEdited => Letter.CanBeEdited;

    /// <summary>Of a request: where its answer goes, without the rest of the address.</summary>
    public string AnswersTo => Letter.AnswersTo ?? "an address that can’t be read";

    public IEnumerable<KeyValuePair<string, string>> Headers =>
        Letter.HeaderTexts.Select(header => KeyValuePair.Create(header.Key, Revealed ? header.Value : Masking.Header(header.Key, header.Value)));

    /// <summary>The AMQP properties that are set, as far as the page does not show them elsewhere.</summary>
    public IEnumerable<KeyValuePair<string, string>> Properties
    {
        get
        {
            var properties = Letter.Properties;
            if (properties.IsContentEncodingPresent())
                yield return new("content_encoding", properties.ContentEncoding!);
            if (properties.IsCorrelationIdPresent())
                yield return new("correlation_id", Masked(properties.CorrelationId!));
            if (properties.IsDeliveryModePresent())
                yield return new("delivery_mode", properties.DeliveryMode.ToString());
            if (properties.IsPriorityPresent())
                yield return new("priority", $"{properties.Priority}");
            if (properties.IsExpirationPresent())
                yield return new("expiration", properties.Expiration!);
            if (properties.IsReplyToPresent())
                yield return new("reply_to", Masked(properties.ReplyTo!));
            if (properties.IsTimestampPresent())
                yield return new("timestamp", Letter.Timestamp!);
            if (properties.IsTypePresent())
                yield return new("type", Masked(properties.Type!));
            if (properties.IsUserIdPresent())
                yield return new("user_id", Masked(properties.UserId!));
            if (properties.IsAppIdPresent())
                yield return new("app_id", Masked(properties.AppId!));
        }
    }

    private string? MediaType => Letter.ContentType?.Split(';')[0].Trim().ToLowerInvariant();

    private bool IsEnvelope => MediaType == "application/vnd.masstransit+json";

    private string Masked(string value) => Revealed ? value : Masking.Value(value);

    private static string? Shown(string? text) =>
        text is { Length: > MostShown } ? $"{text[..MostShown]}\n… {text.Length - MostShown:N0} characters more: export shows them" : text;
}
