using System.Text.Json;
using Microsoft.AspNetCore.Http;
using WorkinIt.DeadLetters.Dashboard.Messages;
using WorkinIt.DeadLetters.Dashboard.Queues;

namespace WorkinIt.DeadLetters.Dashboard.Operations;

/// <summary>Edits one message; the dry run that follows shows the diff.</summary>
internal static class EditPages
{
    private static readonly JsonDocumentOptions _parsing = new() { MaxDepth = 256 };

    /// <summary>The message in full, in a field. That is a look at what is masked elsewhere, and is written down as one.</summary>
    public static async Task<IResult> EditAsync(PageContext page)
    {
        var queue = await QueuePages.FindAsync(page);
        if (await MessagePage.FindAsync(page, queue) is not { } letter)
            return MessagePage.Gone(page);
        if (Text(queue, letter) is not { } text)
            return NotEditable(page);
        await page.Broker.RevealedAsync(letter, page.By, page.Aborted);
        // Back from the dry run: what was written there.
        var written = page.Value("operation") is { } id && page.Runner.Find(id) is { Request.Edit: { } edit } operation && edit.Id == letter.Id && operation.By == page.By ? edit.Edited : text;
        return Show(page, new EditModel(queue, letter, written, null));
    }

    public static async Task<IResult> PreviewAsync(PageContext page)
    {
        var queue = await QueuePages.FindAsync(page);
        if (await MessagePage.FindAsync(page, queue) is not { } letter)
            return MessagePage.Gone(page);
        if (Text(queue, letter) is not { } original)
            return NotEditable(page);
        // A browser sends a field's line ends as CR LF, whatever they were.
        var written = page.Form["message"].ToString().ReplaceLineEndings("\n");
        if (WhatIsWrong(written) is { } error)
            return Show(page, new EditModel(queue, letter, written, error));
        if (Diff.IsNone(original, written))
            return Show(page, new EditModel(queue, letter, written, "Nothing is changed. Change something, or replay it as it is."));
        var act = new RequestedOperation(Verb.Replay, queue.Name, DeadLetterFilter.ById(letter.Id)) { Edit = new Edit(letter.Id, original, written) };
        return PageContext.SeeOther(page.Links.Operation((await page.Runner.StartAsync(act, page.By, isDryRun: true)).Id));
    }

    private static string? Text(DeadLetterQueue queue, DeadLetter letter) =>
        !queue.IsDiscarded && new LetterModel(queue, letter, true).CanBeEdited ? letter.MessageJson ?? letter.BodyText : null;

    private static IResult Show(PageContext page, EditModel model) => page.Page<EditForm, EditModel>(
        "Edit", model, model.Error is null ? StatusCodes.Status200OK : StatusCodes.Status400BadRequest);

    private static string? WhatIsWrong(string json)
    {
        if (string.IsNullOrWhiteSpace(json))
            return "There is no message. Write one as JSON, or discard the dead letter.";
        try
        {
            using var document = JsonDocument.Parse(json, _parsing);
            return null;
        }
        catch (JsonException e)
        {
            // The part after the dot repeats the place, counted from nought.
            var what = e.Message.Split(". LineNumber", 2)[0].Split(" Path:", 2)[0].TrimEnd('.');
            return $"Line {(e.LineNumber ?? 0) + 1}, byte {(e.BytePositionInLine ?? 0) + 1}: that is no valid JSON. {what}.";
        }
    }

    private static IResult NotEditable(PageContext page) => page.Problem(
        StatusCodes.Status409Conflict, "That can’t be edited", "Only a message in JSON of up to 1 MB can be edited here, and only where it failed: what is discarded must be restored first.",
        "A larger one: workinit dead-letters edit ID --message FILE.");
}

/// <summary>What stands in the form, and what is wrong with it.</summary>
internal sealed record EditModel(DeadLetterQueue Queue, DeadLetter Letter, string Written, string? Error);
