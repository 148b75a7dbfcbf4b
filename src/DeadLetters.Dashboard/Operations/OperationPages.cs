using Microsoft.AspNetCore.Http;
using WorkinIt.DeadLetters.Dashboard.Messages;
using WorkinIt.DeadLetters.Dashboard.Queues;

namespace WorkinIt.DeadLetters.Dashboard.Operations;

/// <summary>Each act goes the same way: a dry run that tells what would happen, then the run, then the outcome of each message.</summary>
internal static class OperationPages
{
    public static Task<IResult> ReplayAsync(PageContext page) => DryRunAsync(page, Verb.Replay);

    public static Task<IResult> DiscardAsync(PageContext page) => DryRunAsync(page, Verb.Discard);

    public static Task<IResult> RestoreAsync(PageContext page) => DryRunAsync(page, Verb.Restore);

    public static Task<IResult> ShowAsync(PageContext page)
    {
        if (page.Runner.Find(page.Route("operation")) is not { } operation)
            return Task.FromResult(Forgotten(page));
        var title = $"{(operation.IsDryRun ? "Dry run" : "Run")}: {operation.Request.Word}";
        return Task.FromResult(page.Page<Operation, OperationModel>(title, new OperationModel(operation, page.By), refreshes: operation.IsRunning));
    }

    /// <summary>The dry run once more, with the options of the form.</summary>
    public static async Task<IResult> AgainAsync(PageContext page) =>
        page.Runner.Find(page.Route("operation")) is not { } operation ? Forgotten(page)
        : IsSomebodyElsesEdit(page, operation) ? NotYours(page)
        : PageContext.SeeOther(page.Links.Operation((await page.Runner.StartAsync(operation.Request.With(page), page.By, isDryRun: true)).Id));

    public static async Task<IResult> RunAsync(PageContext page)
    {
        if (page.Runner.Find(page.Route("operation")) is not { IsDryRun: true } dryRun)
            return Forgotten(page);
        if (IsSomebodyElsesEdit(page, dryRun))
            return NotYours(page);
        var act = dryRun.Request.With(page) with { Expected = dryRun.Result?.Selected };
        return dryRun.TryTake()
            ? PageContext.SeeOther(page.Links.Operation((await page.Runner.StartAsync(act, page.By, isDryRun: false)).Id))
            : page.Problem(StatusCodes.Status409Conflict, "It runs already", "This dry run was followed by its run: a second click does nothing.", "Look at the audit, or make a new dry run.");
    }

    public static Task<IResult> CancelAsync(PageContext page)
    {
        if (page.Runner.Find(page.Route("operation")) is not { } operation)
            return Task.FromResult(Forgotten(page));
        operation.Cancel();
        return Task.FromResult(PageContext.SeeOther(page.Links.Operation(operation.Id)));
    }

    private static async Task<IResult> DryRunAsync(PageContext page, Verb verb)
    {
        var queue = await QueuePages.FindAsync(page);
        DeadLetterFilter filter;
        switch (page.Value("which"))
        {
            case "all":
                filter = DeadLetterFilter.All;
                break;
            case "selected" when page.Form["ids"] is { Count: > 0 } ids:
                filter = DeadLetterFilter.ById(ids.OfType<string>());
                break;
            case "filter" when FilterForm.Read(page) is { IsEmpty: false } some:
                filter = some;
                break;
            default: // never all by mistake
                return page.Problem(StatusCodes.Status400BadRequest, "Nothing is selected", "No dead letter was ticked, so there is nothing to do.", "Go back and tick some, or take all of a cause.");
        }
        var operation = await page.Runner.StartAsync(new RequestedOperation(verb, queue.Name, filter), page.By, isDryRun: true);
        return PageContext.SeeOther(page.Links.Operation(operation.Id));
    }

    // It holds a message in full, which only the person who edited it was seen to look at.
    private static bool IsSomebodyElsesEdit(PageContext page, RunningOperation operation) => operation.Request.Edit is not null && operation.By != page.By;

    private static IResult NotYours(PageContext page) => page.Problem(
        StatusCodes.Status403Forbidden, "Somebody else’s edit", "Only the person who edited the message can replay that edit.", "Open the dead letter and edit it yourself.");

    private static IResult Forgotten(PageContext page) => page.Problem(
        StatusCodes.Status404NotFound, "Not remembered here", "The process that this page comes from knows no such operation: it was started again meanwhile, or does not know it yet.",
        "The audit tells what was done. An operation that was cut off lost nothing, and can be run again.");
}
