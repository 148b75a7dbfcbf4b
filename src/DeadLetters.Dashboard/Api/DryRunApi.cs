using Microsoft.AspNetCore.Http;
using WorkinIt.DeadLetters.Catalogue;
using WorkinIt.DeadLetters.Catalogue.Tokens;
using WorkinIt.DeadLetters.Dashboard.BoardPages;
using WorkinIt.DeadLetters.Dashboard.Operations;
using WorkinIt.DeadLetters.Dashboard.Queues;

namespace WorkinIt.DeadLetters.Dashboard.Api;

/// <summary>Starts dry runs: what an operation would do. Its id is what an operation is started with.</summary>
internal static class DryRunApi
{
    private const string Edit = "edit";
    private const string Repair = "repair";
    private static readonly string[] _selections = ["all", "ids", "cause", "filter", "query"];

    // The names in the forms of the pages.
    private static readonly Dictionary<string, string> _formNames = new()
    {
        ["allAtOnce"] = "atonce",
        ["inOrderBy"] = "order",
        ["sendAgain"] = "again",
        ["withoutResponse"] = "noresponse",
        ["acceptLoss"] = "loss",
        ["wasSent"] = "sent",
    };

    public static IEnumerable<ApiRoute> Routes { get; } =
    [
        ApiRoute.Post("/dry-runs", TokenScope.Operate, "startDryRun", "Shows what an operation would do, and moves nothing. The dry run's id starts the operation, once, within 15 minutes, and only for the same caller.", StartAsync) with
        {
            Body =
            [
                new("verb", "string", "The operation.") { IsRequired = true, Values = ["replay", "discard", "restore", Edit, Repair] },
                ApiField.Source, ApiField.Queue,
                new("all", "boolean", "Selects all dead letters of the queue."), new("ids", "array", "Selects dead letters by their ids or MessageIds; of an edit, exactly one."),
                new("cause", "string", "Selects the dead letters of a cause."),
                new("filter", "array", "Selects the dead letters that meet all conditions, as in the command: exception=TYPE, text=WORDS, type=MESSAGE, cause=ID, id=ID, since=TIME, until=TIME."), new("query", "string", "Selects what a search of the board finds in the queue. Needs a catalogue."),
                new("message", ApiField.Any, "For edit: the message after the edit, as JSON."), new("patch", ApiField.Any, "For repair: a JSON Patch (RFC 6902), which is applied to each message."),
                new("pace", "number", "Messages per second. Default: as fast as the outcomes allow."), new("canary", "boolean", "Replays one message first, and goes on only if it was handled."),
                new("allAtOnce", "boolean", "Moves the messages without steps."), new("inOrderBy", "string", "Keeps the order of the messages with the same value of this field, such as message.orderId."),
                new("sendAgain", "boolean", "Includes messages with an unknown outcome, which may do their work twice."), new("to", "string", "The target queue. Default: the queue that each message failed in."),
                new("withoutResponse", "boolean", "Removes the response address from requests."), new("acceptLoss", "boolean", "Moves also messages of AMQP 1.0 clients that lose a part, such as to and subject, at a move on RabbitMQ 4."), new("wasSent", "boolean", "For discard: states that the work of the messages was done."),
            ],
            BodyExamples = new Dictionary<string, string>
            {
                ["replay a cause"] = """{ "verb": "replay", "queue": "orders_error", "cause": "5f1c9a3e", "canary": true }""",
                ["discard one"] = $$"""{ "verb": "discard", "queue": "orders_error", "ids": ["{{ApiExamples.LetterId}}"] }""",
                ["repair"] = """{ "verb": "repair", "queue": "orders_error", "cause": "5f1c9a3e", "patch": [{ "op": "replace", "path": "/currency", "value": "EUR" }] }""",
                ["edit"] = $$"""{ "verb": "edit", "queue": "orders_error", "ids": ["{{ApiExamples.LetterId}}"], "message": { "orderId": 4711 } }""",
            },
            Status = StatusCodes.Status202Accepted,
            Answer = ApiOperation.DryRunExample,
        },
    ];

    private static Task<IResult> StartAsync(ApiCall call)
    {
        var (page, body) = (call.Page, call.Body);
        call.ActOn(body.Text("source"), body.Required("queue"));
        if (_selections.Count(body.Has) != 1 || (body.Has("all") && !body.IsTrue("all")))
            throw new ApiInputException("all", $"Select dead letters by exactly one of {string.Join(", ", _selections)}.");
        var verb = body.Required("verb");
        var patch = verb == Repair ? Patch(body) : null;
        if (verb != Repair && body.Has("patch"))
            throw new ApiInputException("patch", "A patch belongs to the verb repair.");
        if (verb != Edit && body.Has("message"))
            throw new ApiInputException("message", "A message belongs to the verb edit.");
        page.Form = body.ToForm(_formNames);
        RequestedOperation With(RequestedOperation requested) => requested.With(page) with { Patch = patch };
        return verb switch
        {
            Edit => EditAsync(page, body, With),
            "discard" => StartAsync(call, Verb.Discard, With),
            "restore" => StartAsync(call, Verb.Restore, With),
            _ => StartAsync(call, Verb.Replay, With),
        };
    }

    private static Task<IResult> EditAsync(PageContext page, ApiBody body, Func<RequestedOperation, RequestedOperation> with) => body.Texts("ids") is not [var id]
        ? throw new ApiInputException("ids", "An edit needs exactly one id.")
        : EditPages.StartAsync(
            page, id, body.Raw("message") ?? throw new ApiInputException("message", "The field message is missing."),
            (_, _, error) => ApiAnswer.Problem(StatusCodes.Status400BadRequest, "Invalid input", error, field: "message"), with);

    private static async Task<IResult> StartAsync(ApiCall call, Verb verb, Func<RequestedOperation, RequestedOperation> with)
    {
        var (page, body) = (call.Page, call.Body);
        if (body.Text("query") is { } text)
            return await QueryAsync(page, verb, text, with);
        var filter = body.IsTrue("all") ? DeadLetterFilter.All
            : body.Text("cause") is { } cause ? new DeadLetterFilter { Cause = cause }
            : body.Texts("filter") is { Count: > 0 } conditions ? FilterOf(conditions)
            : body.Texts("ids") is { Count: > 0 } ids ? DeadLetterFilter.ById(ids)
            : throw new ApiInputException(_selections.First(body.Has), "Nothing is selected."); // an empty selection must not mean all
        var queue = await QueuePages.FindAsync(page);
        var requested = with(new RequestedOperation(verb, page.Here, queue.Name, filter));
        return page.ToOperation((await page.Runner.StartAsync(requested, page.By, isDryRun: true)).Id);
    }

    private static async Task<IResult> QueryAsync(PageContext page, Verb verb, string text, Func<RequestedOperation, RequestedOperation> with)
    {
        if (page.Catalogue is not { } catalogue)
            return LetterApi.NoCatalogue();
        var query = LetterApi.Parse("query", text);
        if (string.IsNullOrWhiteSpace(text) || query == CatalogueQuery.All) // an empty variable of a script must not mean all
            throw new ApiInputException("query", "The search is empty. To select all dead letters of the queue, use all.");
        var selection = new CatalogueSelection(query, [], [], IsAll: true, new LetterKey(page.Source, page.Queue, ""));
        return await selection.QueuesAsync(catalogue, page.Aborted) is [var at]
            ? await CatalogueActions.StartAsync(page, verb, selection, catalogue, at, with)
            : ApiAnswer.Problem(StatusCodes.Status409Conflict, "Nothing is selected", $"The search finds no dead letter in {page.Queue}.", field: "query");
    }

    private static DeadLetterFilter FilterOf(IReadOnlyList<string> conditions)
    {
        try
        {
            return DeadLetterFilter.Parse(conditions);
        }
        catch (FormatException e)
        {
            throw new ApiInputException("filter", $"{e.Message}.");
        }
    }

    private static MessagePatch Patch(ApiBody body)
    {
        try
        {
            return MessagePatch.Parse(body.Raw("patch") ?? throw new ApiInputException("patch", "The field patch is missing."));
        }
        catch (FormatException e) when (e is not ApiInputException)
        {
            throw new ApiInputException("patch", $"{e.Message}.");
        }
    }
}
