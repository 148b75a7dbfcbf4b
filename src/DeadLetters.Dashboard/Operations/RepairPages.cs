using Microsoft.AspNetCore.Http;

namespace WorkinIt.DeadLetters.Dashboard.Operations;

/// <summary>Repairs the messages of a replay's dry run by one JSON Patch; the dry run that follows shows the changes.</summary>
internal static class RepairPages
{
    public static Task<IResult> FormAsync(PageContext page)
    {
        if (Find(page) is not { } dryRun)
            return Task.FromResult(OperationPages.NotFound(page));
        return Task.FromResult(OperationPages.IsAnotherUsers(page, dryRun) ? OperationPages.NotYours(page) : Show(page, new RepairModel(dryRun, dryRun.Request.Patch?.ToString() ?? "", null)));
    }

    public static async Task<IResult> PreviewAsync(PageContext page)
    {
        if (Find(page) is not { } dryRun)
            return OperationPages.NotFound(page);
        if (OperationPages.IsAnotherUsers(page, dryRun))
            return OperationPages.NotYours(page);
        var written = page.Form["patch"].ToString().ReplaceLineEndings("\n");
        MessagePatch patch;
        try
        {
            patch = MessagePatch.Parse(written);
        }
        catch (FormatException e)
        {
            return Show(page, new RepairModel(dryRun, written, e.Message));
        }
        var requested = dryRun.Request with { Patch = patch, Expected = null };
        return page.ToOperation((await page.Runner.StartAsync(requested, page.By, isDryRun: true)).Id);
    }

    private static RunningOperation? Find(PageContext page) =>
        page.Runner.Find(page.Route("operation")) is { IsDryRun: true, Request: { Verb: Verb.Replay, Edit: null } } dryRun ? dryRun : null;

    private static IResult Show(PageContext page, RepairModel model)
    {
        page.ActOn(model.DryRun.Request.Source.Name);
        return page.Page<RepairForm, RepairModel>("Repair", model, model.Error is null ? StatusCodes.Status200OK : StatusCodes.Status400BadRequest);
    }
}

/// <summary>The dry run whose messages are repaired, the text in the form, and its error.</summary>
internal sealed record RepairModel(RunningOperation DryRun, string Written, string? Error);
