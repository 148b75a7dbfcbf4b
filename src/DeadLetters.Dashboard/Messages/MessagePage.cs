using Microsoft.AspNetCore.Http;
using WorkinIt.DeadLetters.Catalogue.Store;
using WorkinIt.DeadLetters.Dashboard.BoardPages;
using WorkinIt.DeadLetters.Dashboard.Queues;

namespace WorkinIt.DeadLetters.Dashboard.Messages;

/// <summary>One dead letter, masked until it is revealed.</summary>
internal static class MessagePage
{
    public static async Task<IResult> ShowAsync(PageContext page)
    {
        if (LetterSource.NamedSource(page) is { } named && page.Sources.Find(named) is not null)
            return PageContext.SeeOther(page.Links.Of(named).Letter(page.Queue, page.Route("id"))); // a link from before this application had the source
        return await ShowAsync(page, model => Render(page, model), queue => QueuePages.Warn(page, queue));
    }

    /// <summary>Shows the message masked.</summary>
    /// <param name="page">The request.</param>
    /// <param name="render">Answers with the message.</param>
    /// <param name="warn">Answers that reading the queue has a cost, which the user has not confirmed.</param>
    public static async Task<IResult> ShowAsync(PageContext page, Func<LetterModel, IResult> render, Func<DeadLetterQueue, IResult> warn)
    {
        var found = await LetterSource.InCatalogueAsync(page);
        if (found is null && page.At is null)
            return Gone(page);
        if (found is { Stored.Letter: null, IsReadable: false })
            return Gone(page, found.Stored.Entry);
        if (await CostlyAsync(page, found) is { } queue)
            return warn(queue);
        return await LetterSource.FindAsync(page, found, revealed: false) is { } model ? render(model) : Gone(page);
    }

    /// <summary>Shows the message unmasked, once, after writing that to the audit log.</summary>
    public static Task<IResult> RevealAsync(PageContext page) => RevealAsync(page, model => Render(page, model), queue => QueuePages.Warn(page, queue));

    /// <inheritdoc cref="RevealAsync(PageContext)"/>
    public static async Task<IResult> RevealAsync(PageContext page, Func<LetterModel, IResult> render, Func<DeadLetterQueue, IResult> warn)
    {
        var found = await LetterSource.InCatalogueAsync(page);
        if (found is not { Stored.Letter: null, IsReadable: false } && await CostlyAsync(page, found) is { } queue)
            return warn(queue);
        if (await LetterSource.FindAsync(page, found, revealed: true) is not { } model)
            return Gone(page);
        await page.Broker.RevealedAsync(model.Letter, page.By, page.Aborted);
        return render(model);
    }

    /// <summary>Downloads the body, byte for byte. It contains what the page masks, so the audit log records a reveal.</summary>
    public static async Task<IResult> DownloadAsync(PageContext page)
    {
        if (await LetterSource.FindAsync(page, await LetterSource.InCatalogueAsync(page), revealed: true) is not { Letter: { } letter })
            return Gone(page);
        await page.Broker.RevealedAsync(letter, page.By, page.Aborted);
        page.Http.Response.Headers.CacheControl = "no-store";
        return Results.File(letter.Body.ToArray(), "application/octet-stream", $"{letter.Id}.body"); // never with its own content type: it may be HTML from an unknown sender
    }

    public static Task<DeadLetter?> FindAsync(PageContext page, DeadLetterQueue queue) =>
        page.Broker.FindAsync(queue.Name, page.Route("id"), page.By, page.Aborted);

    // The queue, if the letter must be read from it, and that has a cost that the user has not confirmed.
    private static async Task<DeadLetterQueue?> CostlyAsync(PageContext page, LetterSource.Found? found) =>
        !page.IsConfirmed && found is null or { Stored.Letter: null } && page.At is not null && await QueuePages.FindAsync(page) is var queue && QueuePages.NeedsWarning(page, queue) ? queue : null;

    public static IResult Gone(PageContext page) => Gone(page, page.Route("id"));

    public static IResult Gone(PageContext page, string id) => page.Problem(
        StatusCodes.Status404NotFound, "Dead letter not found", $"{page.Place(page.Source, page.Queue)} has no dead letter {id}.",
        "It may have been replayed or discarded. The audit log shows who did that; Find shows where the message is now.");

    private static IResult Gone(PageContext page, CatalogueLetter letter) => page.Problem(
        StatusCodes.Status404NotFound, $"{page.Place(letter.Source, letter.Queue)} no longer has this dead letter",
        $"It was {LetterKey.Word(letter)}{(letter.By is { Length: > 0 } by ? $" by {by}" : "")}, and the catalogue did not keep its contents.",
        "Find shows where the message is now.");

    private static IResult Render(PageContext page, LetterModel model) =>
        page.Page<MessageDetails, LetterModel>($"Dead letter {model.Letter.Id}", model);
}

/// <summary>A dead letter and what its page says about it.</summary>
/// <param name="Queue">Its queue.</param>
/// <param name="Letter">The letter.</param>
/// <param name="Revealed">Whether it is shown unmasked.</param>
internal sealed record LetterModel(DeadLetterQueue Queue, DeadLetter Letter, bool Revealed)
{
    /// <summary>The largest body that can be edited on a page, in bytes.</summary>
    public const int LargestEdited = 1024 * 1024;

    public LetterView View { get; } = new(Letter, Revealed);

    public bool CanBeEdited => Letter.CanBeEdited && Letter.Body.Length <= LargestEdited;

    /// <summary>For a request: where its response goes, without the rest of the address.</summary>
    public string AnswersTo => Letter.AnswersTo ?? "an address that can’t be read";

    /// <summary>What the catalogue knows about it; null if nothing.</summary>
    public LetterSource.Found? Found { get; init; }

    /// <summary>Whether the letter was read from its queue although there is a catalogue.</summary>
    public bool IsRead { get; init; }

    /// <summary>Whether the letter is in a queue that this application acts on, as far as is known.</summary>
    public bool IsThere => Found is null or { IsReadable: true };

    /// <summary>What happened to the message; empty if it is in no catalogue and was not replayed.</summary>
    public IReadOnlyList<TimelineStep> Timeline =>
        Found is { } found ? Messages.Timeline.Of(found.History, found.Stored.Entry, Messages.Timeline.SentAt(Letter), Letter.History, found.Replays) : Messages.Timeline.Of(Letter);
}
