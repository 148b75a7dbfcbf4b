using Microsoft.AspNetCore.Http;
using WorkinIt.DeadLetters.Dashboard.Messages;
using WorkinIt.DeadLetters.Dashboard.Queues;

namespace WorkinIt.DeadLetters.Dashboard.Operations;

/// <summary>Every operation has the same steps: a dry run that shows what would happen, the run, then the outcome of each message.</summary>
internal static class OperationPages
{
    public static Task<IResult> ReplayAsync(PageContext page) => DryRunAsync(page, Verb.Replay);

    public static Task<IResult> DiscardAsync(PageContext page) => DryRunAsync(page, Verb.Discard);

    public static Task<IResult> RestoreAsync(PageContext page) => DryRunAsync(page, Verb.Restore);

    public static async Task<IResult> ShowAsync(PageContext page)
    {
        if (page.Runner.Find(page.Route("operation"))?.Seen() is not { } operation)
            return await OtherInstances.ShowAsync(page) ?? NotFound(page);
        page.ActOn(operation.Request.Source.Name);
        var title = $"{(operation.IsDryRun ? "Dry run" : "Run")}: {operation.Request.Word}";
        var model = new OperationModel(operation, page.By) { Outcomes = await OperationOutcomes.OfAsync(page, operation) };
        return page.Page<Operation, OperationModel>(title, model, refreshes: operation.IsRunning);
    }

    /// <summary>Repeats the dry run with the options of the form.</summary>
    public static async Task<IResult> AgainAsync(PageContext page) =>
        page.Runner.Find(page.Route("operation")) is not { } operation ? await OtherInstances.RunAsync(page, page.Route("operation"), isDryRun: true, request => request.With(page)) ?? NotFound(page)
        : IsAnotherUsers(page, operation) ? NotYours(page)
        : page.ToOperation((await page.Runner.StartAsync(operation.Request.With(page), page.By, isDryRun: true)).Id);

    public static Task<IResult> RunAsync(PageContext page) => RunAsync(page, page.Route("operation"), request => request.With(page));

    /// <summary>Runs a dry run, once.</summary>
    /// <param name="page">The request.</param>
    /// <param name="id">The dry run.</param>
    /// <param name="with">Changes the options of the dry run.</param>
    public static async Task<IResult> RunAsync(PageContext page, string id, Func<RequestedOperation, RequestedOperation> with)
    {
        if (page.Runner.Find(id) is not { IsDryRun: true } dryRun)
            return await OtherInstances.RunAsync(page, id, isDryRun: false, with) ?? NotFound(page);
        if (IsAnotherUsers(page, dryRun))
            return NotYours(page);
        var requested = with(dryRun.Request) with { Expected = dryRun.Result is { } found ? found.Selected + found.Settled : null, Causes = dryRun.Result?.Causes };
        return dryRun.TryTake() && !await OtherInstances.HaveRunAsync(page, id)
            ? page.ToOperation((await page.Runner.StartAsync(requested, page.By, isDryRun: false)).Id)
            : page.Problem(StatusCodes.Status409Conflict, "Already started", "The run for this dry run was already started. A second click does nothing.", "See the audit log, or start a new dry run.");
    }

    public static async Task<IResult> CancelAsync(PageContext page)
    {
        if (page.Runner.Find(page.Route("operation")) is not { } operation)
            return await OtherInstances.CancelAsync(page) ?? NotFound(page);
        operation.Cancel();
        return page.ToOperation(operation.Id);
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
            default: // an empty selection must not mean all
                return page.Problem(StatusCodes.Status400BadRequest, "Nothing is selected", "No dead letter was selected, so there is nothing to do.", "Go back and select some, or all of a cause.");
        }
        var operation = await page.Runner.StartAsync(new RequestedOperation(verb, page.Here, queue.Name, filter), page.By, isDryRun: true);
        return page.ToOperation(operation.Id);
    }

    // An edit contains the full message, and the audit log has a reveal only for the user who made the edit. Nobody else sees a patch unmasked.
    public static bool IsAnotherUsers(PageContext page, RunningOperation operation) => operation.Request.IsPersonal && operation.By != page.By;

    public static IResult NotYours(PageContext page) => page.Problem(
        StatusCodes.Status403Forbidden, "Another user’s edit", "Only the user who wrote an edit or a patch can replay it.", "Edit or repair the dead letters yourself.");

    public static IResult NotFound(PageContext page) => page.Problem(
        StatusCodes.Status404NotFound, "Operation not found", "This process does not know the operation. It was restarted since then, it keeps only the latest operations, or another instance of the application runs it.",
        "The audit log shows what was started. If the process was killed, it does not show how much was moved.");
}
