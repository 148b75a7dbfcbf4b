using Microsoft.AspNetCore.Http;
using WorkinIt.DeadLetters.Catalogue.Operations;
using WorkinIt.DeadLetters.Catalogue.Tokens;
using WorkinIt.DeadLetters.Dashboard.Operations;

namespace WorkinIt.DeadLetters.Dashboard.Api;

/// <summary>Operations: an operation is started with the id of its dry run only.</summary>
internal static class OperationApi
{
    private static readonly TimeSpan _sharing = TimeSpan.FromSeconds(3); // of a database that answers

    public static IEnumerable<ApiRoute> Routes { get; } =
    [
        ApiRoute.Post("/operations", TokenScope.Operate, "startOperation", "Runs a dry run. Its options are those of the dry run.", RunAsync) with
        {
            Body = [new("dryRunId", "string", "The id of the dry run.") { IsRequired = true }],
            BodyExamples = new Dictionary<string, string> { ["run"] = $$"""{ "dryRunId": "{{ApiExamples.Operation}}" }""" },
            Status = StatusCodes.Status202Accepted,
            Answer = ApiOperation.Example,
        },
        ApiRoute.Get("/operations", TokenScope.View, "listOperations", "Lists the latest dry runs and operations of this instance, and those that run on others, or were interrupted there.", ListAsync) with
        {
            Answer = new ApiOperations([ApiOperation.Example]),
        },
        ApiRoute.Get("/operations/{operation}", TokenScope.View, "getOperation", "Shows a dry run or an operation of any instance: its progress, its result and the outcomes of its messages.", ShowAsync) with
        {
            Answer = ApiOperation.Example,
        },
        ApiRoute.Get("/operations/{operation}/messages", TokenScope.View, "listOperationMessages", "Lists each message of a dry run or of an operation that has ended on this instance, masked.", ApiMessages.ListAsync) with
        {
            Parameters = [new("cursor", "string", "nextCursor of the page before."), new("limit", "integer", $"How many, up to {ApiMessages.Most}. Default: {ApiMessages.Normal}.")],
            Answer = ApiMessages.Example,
        },
        Act("pause", "pauseOperation", "Pauses a running replay between two messages. It is paused once its state is paused.", call => PausePages.PauseAsync(call.Page)),
        Act("resume", "resumeOperation", "Resumes a paused replay.", call => PausePages.ResumeAsync(call.Page)),
        Act("slower", "resumeOperationSlower", "Resumes a paused replay at a pace.", call => PausePages.SlowerAsync(call.Page)) with
        {
            Body = [new("pace", "number", "Messages per second.") { IsRequired = true }],
            BodyExamples = new Dictionary<string, string> { ["half"] = """{ "pace": 0.5 }""" },
        },
        Act("cancel", "cancelOperation", "Ends an operation between two messages.", call => OperationPages.CancelAsync(call.Page)),
    ];

    /// <summary>The answer to a request that started an operation, or changed one: its URL and its details.</summary>
    public static async Task<IResult> AcceptedAsync(PageContext page, string operation) =>
        await FindAsync(page, operation) is { } value ? new ApiAnswer(StatusCodes.Status202Accepted, value, $"{page.Links.Api}/operations/{operation}") : OperationPages.NotFound(page);

    private static ApiRoute Act(string verb, string name, string summary, Func<ApiCall, Task<IResult>> handler) =>
        ApiRoute.Post("/operations/{operation}/" + verb, TokenScope.Operate, name, summary, handler) with { Status = StatusCodes.Status202Accepted, Answer = ApiOperation.Example };

    private static async Task<IResult> RunAsync(ApiCall call)
    {
        var (page, id) = (call.Page, call.Body.Required("dryRunId"));
        return Refuse(page, id) ?? await OperationPages.RunAsync(page, id, request => request);
    }

    private static ApiAnswer? Refuse(PageContext page, string id) =>
        page.Runner.Find(id) is { IsDryRun: true } own ? Refuse(page, own.By, own.IsRunning ? null : own.Problem is null ? own.EndedAt : own.StartedAt, own.Problem, own.ToDo)
        : OtherInstances.Find(page, id) is { IsDryRun: true } other ? Refuse(page, other.By, other.EndedAt, other.Problem, other.Done)
        : ApiAnswer.Problem(StatusCodes.Status404NotFound, "Dry run not found", "No instance knows this dry run. It is older than an hour, or its instance was restarted.", "Start a new dry run.", "dryRunId");

    private static ApiAnswer? Refuse(PageContext page, string by, DateTimeOffset? endedAt, string? problem, long done) =>
        by != page.By ? Refused(StatusCodes.Status403Forbidden, "Another caller’s dry run", "Only the user or the token that made a dry run may run it.")
        : endedAt is not { } end ? Refused(StatusCodes.Status409Conflict, "Not ended", "The dry run has not ended. Ask for it again until its state is ended.")
        : problem is not null ? Refused(StatusCodes.Status409Conflict, "Dry run failed", problem)
        : end + page.Options.DryRunLife <= page.Time.GetUtcNow() ? Refused(StatusCodes.Status409Conflict, "Dry run expired", $"A dry run can be run for {page.Options.DryRunLife.TotalMinutes} minutes; since then, the queue may have changed.")
        : done == 0 ? Refused(StatusCodes.Status409Conflict, "Nothing to do", "The dry run found no dead letter that would be moved.")
        : null;

    private static ApiAnswer Refused(int status, string title, string detail) => ApiAnswer.Problem(status, title, detail, "Start a new dry run.", "dryRunId");

    private static Task<IResult> ListAsync(ApiCall call)
    {
        var page = call.Page;
        var others = OtherInstances.Running(page).Concat(OtherInstances.Interrupted(page).Where(operation => page.Runner.Find(operation.Id) is null));
        return Task.FromResult<IResult>(ApiAnswer.Ok(new ApiOperations(
            [.. page.Runner.All.Select(operation => ApiOperation.Of(page, operation.Seen(), null)), .. others.DistinctBy(operation => operation.Id).Select(operation => ApiOperation.Of(page, new ElsewhereModel(operation, operation.IsRunning(page.Time.GetUtcNow()))))])));
    }

    private static async Task<IResult> ShowAsync(ApiCall call) =>
        await FindAsync(call.Page, call.Page.Route("operation")) is { } operation ? ApiAnswer.Ok(operation) : OperationPages.NotFound(call.Page);

    private static async Task<ApiOperation?> FindAsync(PageContext page, string id)
    {
        if (page.Runner.Find(id)?.Seen() is { } operation)
        {
            // A dry run that has ended can be run on any instance, so the others must know of its end before the caller does.
            if (!operation.IsRunning)
                await Task.WhenAny(operation.Sharing, Task.Delay(_sharing, page.Aborted));
            page.ActOn(operation.Request.Source.Name);
            return ApiOperation.Of(page, operation, await OperationOutcomes.OfAsync(page, operation));
        }
        return OtherInstances.Find(page, id) is { } shared ? ApiOperation.Of(page, await OtherInstances.ModelAsync(page, shared)) : null;
    }
}

/// <summary>Operations.</summary>
internal sealed record ApiOperations(IReadOnlyList<ApiOperation> Operations);
