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

    /// <summary>Shows it once, unmasked, after that was written down.</summary>
    public static async Task<IResult> RevealAsync(PageContext page)
    {
        var queue = await QueuePages.FindAsync(page);
        if (await FindAsync(page, queue) is not { } letter)
            return Gone(page);
        await page.Broker.RevealedAsync(letter, page.By, page.Aborted);
        return Render(page, queue, letter, revealed: true);
    }

    /// <summary>The body, byte for byte: a look at what is masked, and written down as one.</summary>
    public static async Task<IResult> DownloadAsync(PageContext page)
    {
        var queue = await QueuePages.FindAsync(page);
        if (await FindAsync(page, queue) is not { } letter)
            return Gone(page);
        await page.Broker.RevealedAsync(letter, page.By, page.Aborted);
        page.Http.Response.Headers.CacheControl = "no-store";
        return Results.File(letter.Body.ToArray(), "application/octet-stream", $"{letter.Id}.body"); // never as what it says it is: it may be anybody's HTML
    }

    public static Task<DeadLetter?> FindAsync(PageContext page, DeadLetterQueue queue) =>
        page.Broker.FindAsync(queue.Name, page.Route("id"), page.By, page.Aborted);

    public static IResult Gone(PageContext page) => page.Problem(
        StatusCodes.Status404NotFound, "It is not here any more", $"{page.Queue} holds no dead letter {page.Route("id")}.",
        "It was replayed or discarded meanwhile: the audit tells by whom, and Find tells where it is now.");

    private static IResult Render(PageContext page, DeadLetterQueue queue, DeadLetter letter, bool revealed) =>
        page.Page<MessageDetails, LetterModel>($"Dead letter {letter.Id}", new LetterModel(queue, letter, revealed));
}

internal sealed record LetterModel(DeadLetterQueue Queue, DeadLetter Letter, bool Revealed)
{
    /// <summary>The largest body that is edited in a field of a page.</summary>
    public const int LargestEdited = 1024 * 1024;

    public LetterView View { get; } = new(Letter, Revealed);

    public bool CanBeEdited => Letter.CanBeEdited && Letter.Body.Length <= LargestEdited;

    /// <summary>Of a request: where its answer goes, without the rest of the address.</summary>
    public string AnswersTo => Letter.AnswersTo ?? "an address that can’t be read";
}
