using System.Text.Json;
using Microsoft.AspNetCore.Http;
using WorkinIt.DeadLetters.Dashboard.Messages;
using WorkinIt.DeadLetters.Dashboard.Queues;

namespace WorkinIt.DeadLetters.Dashboard.Operations;

/// <summary>Edits one message; the dry run that follows shows the diff.</summary>
internal static class EditPages
{
    private const int AuditEntriesRead = 100;

    private static readonly JsonDocumentOptions _parsing = new() { MaxDepth = 256 };

    /// <summary>Shows the full message in a form field. Other pages mask it, so the audit log records a reveal.</summary>
    public static async Task<IResult> EditAsync(PageContext page)
    {
        var queue = await QueuePages.FindAsync(page);
        if (await MessagePage.FindAsync(page, queue) is not { } letter)
            return MessagePage.Gone(page);
        if (Text(queue, letter) is not { } text)
            return NotEditable(page);
        await page.Broker.RevealedAsync(letter, page.By, page.Aborted);
        // A user who returns from the dry run gets the edited text again.
        var written = page.Value("operation") is { } id && page.Runner.Find(id) is { Request.Edit: { } edit } operation && edit.Id == letter.Id && operation.By == page.By ? edit.Edited : text;
        return Show(page, new EditModel(queue, letter, written, null));
    }

    public static async Task<IResult> PreviewAsync(PageContext page)
    {
        // A browser sends a field's line ends as CR LF, whatever they were.
        var written = page.Form["message"].ToString().ReplaceLineEndings("\n");
        return await StartAsync(page, page.Route("id"), written, (queue, letter, error) => Show(page, new EditModel(queue, letter, written, error)), requested => requested);
    }

    /// <summary>Starts the dry run of an edit.</summary>
    /// <param name="page">The request.</param>
    /// <param name="id">The dead letter.</param>
    /// <param name="written">The message after the edit.</param>
    /// <param name="refuse">Answers with what is wrong with it.</param>
    /// <param name="with">Sets the options.</param>
    public static async Task<IResult> StartAsync(
        PageContext page, string id, string written, Func<DeadLetterQueue, DeadLetter, string, IResult> refuse, Func<RequestedOperation, RequestedOperation> with)
    {
        var queue = await QueuePages.FindAsync(page);
        if (await page.Broker.FindAsync(queue.Name, id, page.By, page.Aborted) is not { } letter)
            return MessagePage.Gone(page, id);
        if (Text(queue, letter) is not { } original)
            return NotEditable(page);
        if (JsonError(written) is { } error)
            return refuse(queue, letter, error);
        if (Diff.IsNone(original, written))
            return refuse(queue, letter, "The message is unchanged. Change it, or replay it as it is.");
        if (!Api.ApiAccess.IsProgram(page) && !await HasRevealedAsync(page, letter))
            await page.Broker.RevealedAsync(letter, page.By, page.Aborted); // the page of the dry run shows the original to this user
        var requested = with(new RequestedOperation(Verb.Replay, page.Here, queue.Name, DeadLetterFilter.ById(letter.Id)) { Edit = new Edit(letter.Id, original, written) });
        return page.ToOperation((await page.Runner.StartAsync(requested, page.By, isDryRun: true)).Id);
    }

    // The form of the page has revealed it; a program sends the edit without having read the message.
    private static async Task<bool> HasRevealedAsync(PageContext page, DeadLetter letter) => (await page.Broker.Audit.ReadAsync(letter.Queue, AuditEntriesRead, page.Aborted))
        .Any(entry => entry.Verb == "reveal" && entry.By == page.By && entry.Messages.Contains(letter.MessageId ?? letter.Id));

    private static string? Text(DeadLetterQueue queue, DeadLetter letter) =>
        !queue.IsDiscarded && new LetterModel(queue, letter, Revealed: true).CanBeEdited ? letter.MessageJson ?? letter.BodyText : null;

    private static IResult Show(PageContext page, EditModel model) => page.Page<EditForm, EditModel>(
        "Edit", model, model.Error is null ? StatusCodes.Status200OK : StatusCodes.Status400BadRequest);

    private static string? JsonError(string json)
    {
        if (string.IsNullOrWhiteSpace(json))
            return "The message is empty. Enter it as JSON, or discard the dead letter.";
        try
        {
            using var document = JsonDocument.Parse(json, _parsing);
            return null;
        }
        catch (JsonException e)
        {
            // The rest of the text repeats the position, counted from zero.
            var what = e.Message.Split(". LineNumber", 2)[0].Split(" Path:", 2)[0].TrimEnd('.');
            return $"Line {(e.LineNumber ?? 0) + 1}, byte {(e.BytePositionInLine ?? 0) + 1}: not valid JSON. {what}.";
        }
    }

    private static IResult NotEditable(PageContext page) => page.Problem(
        StatusCodes.Status409Conflict, "This message can’t be edited", "Only JSON messages of up to 1 MB can be edited here. A discarded message must be restored first.",
        "For a larger message, use: workinit dead-letters edit ID --message FILE.");
}

/// <summary>The text in the form, and its error.</summary>
internal sealed record EditModel(DeadLetterQueue Queue, DeadLetter Letter, string Written, string? Error);
