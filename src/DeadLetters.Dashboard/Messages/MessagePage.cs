using Microsoft.AspNetCore.Http;
using WorkinIt.DeadLetters.Dashboard.Queues;

namespace WorkinIt.DeadLetters.Dashboard.Messages;

/// <summary>One dead letter, masked until it is revealed.</summary>
internal static class MessagePage
{
    public static async Task<IResult> ShowAsync(PageContext page)
    {
        var queue = await QueuePages.FindAsync(page);
        return QueuePages.NeedsWarning(page, queue) ? QueuePages.Warn(page, queue)
            : await FindAsync(page, queue) is { } letter ? Render(page, queue, letter, revealed: false)
            : Gone(page);
    }

    /// <summary>Shows the message unmasked, once, after writing that to the audit log.</summary>
    public static async Task<IResult> RevealAsync(PageContext page)
    {
        var queue = await QueuePages.FindAsync(page);
        if (await FindAsync(page, queue) is not { } letter)
            return Gone(page);
        await page.Broker.RevealedAsync(letter, page.By, page.Aborted);
        return Render(page, queue, letter, revealed: true);
    }

    /// <summary>Downloads the body, byte for byte. It contains what the page masks, so the audit log records a reveal.</summary>
    public static async Task<IResult> DownloadAsync(PageContext page)
    {
        var queue = await QueuePages.FindAsync(page);
        if (await FindAsync(page, queue) is not { } letter)
            return Gone(page);
        await page.Broker.RevealedAsync(letter, page.By, page.Aborted);
        page.Http.Response.Headers.CacheControl = "no-store";
        return Results.File(letter.Body.ToArray(), "application/octet-stream", $"{letter.Id}.body"); // never with its own content type: it may be HTML from an unknown sender
    }

    public static Task<DeadLetter?> FindAsync(PageContext page, DeadLetterQueue queue) =>
        page.Broker.FindAsync(queue.Name, page.Route("id"), page.By, page.Aborted);

    public static IResult Gone(PageContext page) => page.Problem(
        StatusCodes.Status404NotFound, "Dead letter not found", $"{page.Queue} has no dead letter {page.Route("id")}.",
        "It may have been replayed or discarded. The audit log shows who did that; Find shows where the message is now.");

    private static IResult Render(PageContext page, DeadLetterQueue queue, DeadLetter letter, bool revealed) =>
        page.Page<MessageDetails, LetterModel>($"Dead letter {letter.Id}", new LetterModel(queue, letter, revealed));
}

internal sealed record LetterModel(DeadLetterQueue Queue, DeadLetter Letter, bool Revealed)
{
    /// <summary>The largest body that can be edited on a page, in bytes.</summary>
    public const int LargestEdited = 1024 * 1024;

    public LetterView View { get; } = new(Letter, Revealed);

    public bool CanBeEdited => Letter.CanBeEdited && Letter.Body.Length <= LargestEdited;

    /// <summary>For a request: where its response goes, without the rest of the address.</summary>
    public string AnswersTo => Letter.AnswersTo ?? "an address that can’t be read";
}
