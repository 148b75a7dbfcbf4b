using System.Data.Common;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using WorkinIt.DeadLetters.Catalogue.Operations;

namespace WorkinIt.DeadLetters.Dashboard.Operations;

/// <summary>Operations that this process does not know: those of other instances, and those from before a restart. They are in the catalogue's database.</summary>
internal static class OtherInstances
{
    /// <summary>Shows an operation; null if there is none.</summary>
    public static async Task<IResult?> ShowAsync(PageContext page)
    {
        if (Find(page, page.Route("operation")) is not { } operation)
            return null;
        var model = await ModelAsync(page, operation);
        return page.Page<OperationElsewhere, ElsewhereModel>($"{(operation.IsDryRun ? "Dry run" : "Run")}: {operation.Queue}", model, refreshes: model.IsRunning);
    }

    /// <summary>What is known about an operation, with its outcomes, its pause and its end.</summary>
    public static async Task<ElsewhereModel> ModelAsync(PageContext page, SharedOperation operation)
    {
        page.ActOn(operation.Source);
        var model = new ElsewhereModel(operation, operation.IsRunning(page.Time.GetUtcNow()))
        {
            Outcomes = operation.IsDryRun ? null : await OperationOutcomes.InCatalogueAsync(page, operation.AuditId ?? operation.Id),
            Pause = PausePages.Elsewhere(page, operation.Id),
            Pausable = PausePages.PausableElsewhere(page, operation.Id),
        };
        // Its process may have ended it without being able to report that.
        if (!model.IsRunning && operation is { EndedAt: null, AuditId: { } entry })
            model = model with { Entry = await page.Broker.Audit.FindAsync(entry, page.Aborted) };
        return model;
    }

    /// <summary>Runs the dry run of another instance here, or repeats it; null if there is none.</summary>
    public static async Task<IResult?> RunAsync(PageContext page, string id, bool isDryRun, Func<RequestedOperation, RequestedOperation> with)
    {
        if (Find(page, id) is not { } operation)
            return null;
        page.ActOn(operation.Source);
        if (page.At is null)
        {
            return page.Problem(StatusCodes.Status409Conflict, "Another source", $"{operation.Queue} is a queue of {page.Source}, which this application is not connected to.",
                "Run it on the instance that made the dry run.");
        }
        if (!new ElsewhereModel(operation, IsRunning: false).CanRun || await TakeAsync(page, id) is not { IsTaken: true, Request: { } request })
        {
            return page.Problem(StatusCodes.Status409Conflict, "Already started", "This dry run was already used, has not ended, found nothing, or is too old. An edit, a repair, and a selection by a search can be run only on the instance that made the dry run.",
                "See the audit log, or start a new dry run.");
        }
        var requested = with(StoredRequest.Read(request, page.Sources)) with { Expected = isDryRun ? null : operation.Done + operation.Refused };
        return page.ToOperation((await page.Runner.StartAsync(requested, page.By, isDryRun)).Id);
    }

    /// <summary>Whether another instance has already run this instance's dry run. Without an answer of the database, this instance runs it.</summary>
    public static async Task<bool> HaveRunAsync(PageContext page, string id) => await TakeAsync(page, id) is { IsTaken: false };

    /// <summary>Asks the instance that runs an operation to end it; null if there is no such operation.</summary>
    public static async Task<IResult?> CancelAsync(PageContext page)
    {
        if (Log(page) is not { } log || Find(page, page.Route("operation")) is not { } operation)
            return null;
        try
        {
            await log.CancelAsync(operation.Id, page.Aborted);
            return page.ToOperation(operation.Id);
        }
        catch (DbException)
        {
            return NotReached(page);
        }
    }

    /// <summary>The operations that run on other instances; empty without a catalogue, or if its database does not answer.</summary>
    public static IReadOnlyList<SharedOperation> Running(PageContext page)
    {
        try
        {
            return page.CatalogueProblem is null && Log(page) is { } log ? [.. log.Running().Where(operation => page.Runner.Find(operation.Id) is null)] : [];
        }
        catch (DbException)
        {
            return [];
        }
    }

    /// <summary>The operations whose process was killed; empty without a catalogue, or if its database does not answer.</summary>
    public static IReadOnlyList<SharedOperation> Interrupted(PageContext page)
    {
        try
        {
            return Log(page)?.Interrupted() ?? [];
        }
        catch (DbException)
        {
            return [];
        }
    }

    /// <summary>The details of audit entries without an end, by their ids; empty without a catalogue, or if its database does not answer.</summary>
    public static IReadOnlyDictionary<string, SharedOperation> OfAudit(PageContext page, IReadOnlyCollection<string> entries)
    {
        try
        {
            return Log(page)?.OfAudit(entries) ?? new Dictionary<string, SharedOperation>();
        }
        catch (DbException)
        {
            return new Dictionary<string, SharedOperation>();
        }
    }

    private static OperationLog? Log(PageContext page) => page.Http.RequestServices.GetService<OperationLog>();

    /// <summary>Finds an operation; null if there is none, or the database does not answer.</summary>
    public static SharedOperation? Find(PageContext page, string id)
    {
        try
        {
            return Log(page)?.Find(id);
        }
        catch (DbException)
        {
            return null;
        }
    }

    private static async Task<TakenDryRun?> TakeAsync(PageContext page, string id)
    {
        try
        {
            return Log(page) is { } log ? await log.TakeAsync(id, page.Aborted) : null;
        }
        catch (DbException)
        {
            return null;
        }
    }

    public static IResult NotReached(PageContext page) => page.Problem(
        StatusCodes.Status503ServiceUnavailable, "The catalogue’s database does not answer", "The operation of another instance can’t be changed from here now.", "Try again in a few seconds.");
}
