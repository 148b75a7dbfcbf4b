using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using WorkinIt.DeadLetters.Catalogue;
using WorkinIt.DeadLetters.Catalogue.Tokens;
using WorkinIt.DeadLetters.Catalogue.Triage;
using WorkinIt.DeadLetters.Dashboard.BoardPages;
using WorkinIt.DeadLetters.Dashboard.Causes;
using WorkinIt.DeadLetters.Dashboard.Queues;

namespace WorkinIt.DeadLetters.Dashboard.Api;

/// <summary>What dead letters have in common, and what operators noted about it.</summary>
internal static class CauseApi
{
    private static readonly ApiCause _example = new()
    {
        Id = ApiExamples.Cause,
        ExceptionType = "System.TimeoutException",
        Text = "The shop did not answer within {number} ms",
        Frame = "Orders.ShopClient.SendAsync",
        NewestLetter = ApiExamples.LetterId,
        Count = 840,
        First = ApiExamples.Time,
        Last = ApiExamples.Time.AddMinutes(12),
        Queues = [new ApiQueueCount("shop", "orders_error", 840)],
        MessageTypes = ["Orders:PlaceOrder"],
        Marks = ["new"],
    };

    public static IEnumerable<ApiRoute> Routes { get; } =
    [
        ApiRoute.Get("/causes", TokenScope.View, "listCauses", "Lists the causes of dead letters, the largest first. Without a catalogue, reads one queue.", ListAsync) with
        {
            Parameters =
            [
                LetterApi.Query, new("span", "string", "The length of the histogram. Default: 24h.") { Values = [.. QueryForm.Spans.Select(span => span.Name)] },
                ApiField.Source, ApiField.Queue with { IsRequired = false, Description = "Only the causes in this queue. Required without a catalogue." }, ApiField.Confirm,
            ],
            Answer = new ApiCauses(840, [_example]) { PerMinute = 12.4, Oldest = ApiExamples.Time, Histogram = new ApiHistogram(ApiExamples.Time, 1800, [0, 12, 828]) },
        },
        ApiRoute.Get("/causes/{cause}", TokenScope.View, "getCause", "Shows a cause, and what operators noted about it.", ShowAsync) with
        {
            Answer = new ApiCauseDetails(_example, new ApiTriage("Erin", null, null, "Payments", "Gateway is down", "https://status.example.com"), [new ApiTriageChange(ApiExamples.Time, "Erin", "acknowledge", "")]),
        },
        ApiRoute.Post("/causes/{cause}/triage", TokenScope.Operate, "triageCause", "Acknowledges or mutes a cause, or sets its note.", ChangeAsync) with
        {
            Body =
            [
                new("change", "string", "What to change.") { IsRequired = true, Values = ["acknowledge", "unacknowledge", "mute-1h", "mute-8h", "mute-version", "unmute", "note"] },
                new("version", "string", "For mute-version: the version of the application that fixes it."), new("owner", "string", "For note: who works on it."),
                new("note", "string", "For note: a text."), new("link", "string", "For note: an http(s) address."),
            ],
            BodyExamples = new Dictionary<string, string> { ["acknowledge"] = """{ "change": "acknowledge" }""" },
            Status = StatusCodes.Status204NoContent,
        },
    ];

    private static Task<IResult> ListAsync(ApiCall call) => call.Page.Catalogue is { } catalogue ? BoardAsync(call, catalogue) : QueueAsync(call);

    private static async Task<IResult> BoardAsync(ApiCall call, CatalogueDatabase catalogue)
    {
        var (page, query) = (call.Page, LetterApi.QueryOf(call));
        if (call.Query("span") is { } span)
            query = query with { Span = QueryForm.SpanOf(span) ?? throw new ApiInputException("span", $"span must be one of {string.Join(", ", QueryForm.Spans.Select(one => one.Name))}.") };
        var (board, triage) = await catalogue.ReadAsync(
            async (reader, token) =>
            {
                var read = await reader.BoardAsync(query, token, mayBeOlder: true);
                return (read, await page.Service<TriageStore>().GetAsync([.. read.Causes.Select(cause => cause.Cause.Id)], token));
            },
            page.Aborted);
        return ApiAnswer.Ok(new ApiCauses(board.Letters, [.. board.Causes.Select(cause => Of(page, cause, triage[cause.Cause.Id]))])
        {
            PerMinute = board.PerMinute,
            Oldest = board.Oldest,
            Histogram = new ApiHistogram(board.From, (long)board.Step.TotalSeconds, board.Histogram),
            Notices = [.. catalogue.Delays.Select(delay => delay.Why)],
        });
    }

    private static async Task<IResult> QueueAsync(ApiCall call)
    {
        var page = call.Page;
        if (call.Query("q") is not null)
            throw new ApiInputException("q", "This application has no catalogue, so it can only list the causes of a queue.");
        call.ActOn(call.Query("source"), call.Required("queue"));
        var queue = await QueuePages.FindAsync(page);
        if (QueuePages.NeedsWarning(page, queue))
            return LetterApi.Warn(queue);
        var causes = await page.Broker.GroupAsync(queue.Name, DeadLetterFilter.All, page.By, null, page.Aborted, page.Options.LookAtFirst);
        return ApiAnswer.Ok(new ApiCauses(causes.Ready, [.. causes.Groups.Select(group => Of(page, group))])
        {
            Notices = causes.Examined < causes.Ready ? [$"Only the first {causes.Examined} of {causes.Ready} dead letters were examined."] : [],
        });
    }

    private static async Task<IResult> ShowAsync(ApiCall call)
    {
        var (page, id) = (call.Page, call.Page.Route("cause"));
        if (NoCatalogue(page) is { } none)
            return none;
        return await Causes.CausePage.ModelAsync(page, id) is not { } model ? Causes.CausePage.NotFound(page, id) : ApiAnswer.Ok(new ApiCauseDetails(
            model.Cause is { } cause ? Of(page, cause, model.Triage) : null,
            new ApiTriage(
                model.Triage.Acknowledged?.By, model.Triage.Mute?.Until, model.Triage.Mute?.UntilVersion, model.Triage.Owner, model.Triage.Note, model.Triage.Link),
            [.. model.History.Select(change => new ApiTriageChange(change.At, change.By, change.Verb, change.Text))]));
    }

    private static async Task<IResult> ChangeAsync(ApiCall call) => NoCatalogue(call.Page) ?? await Causes.CausePage.ChangeAsync(call.Page);

    private static IResult? NoCatalogue(PageContext page) => page.Http.RequestServices.GetService<TriageStore>() is null ? LetterApi.NoCatalogue() : null;

    private static ApiCause Of(PageContext page, BoardCause cause, CauseTriage triage) => new()
    {
        Id = cause.Cause.Id,
        ExceptionType = cause.Cause.ExceptionType,
        Text = cause.Cause.Text,
        Frame = cause.Cause.Frame,
        NewestLetter = cause.Example.Id,
        Count = cause.Count,
        First = cause.First,
        Last = cause.Last,
        Queues = [.. cause.Queues.Select(queue => new ApiQueueCount(queue.Source, queue.Queue, queue.Count))],
        MessageTypes = cause.MessageTypes,
        Versions = cause.Versions,
        FailedAgain = cause.FailedAgain,
        Marks = [.. MarkTexts.Of(CauseMarks.Of(triage, cause, page.Time.GetUtcNow()), triage).Select(mark => mark.Text)],
    };

    private static ApiCause Of(PageContext page, CauseGroup group) => new()
    {
        Id = group.Cause.Id,
        ExceptionType = group.Cause.ExceptionType,
        Text = group.Cause.Text,
        Frame = group.Cause.Frame,
        Count = group.Count,
        First = group.First,
        Last = group.Last,
        Queues = [new ApiQueueCount(page.Source, page.Queue, group.Count)],
        MessageTypes = group.MessageTypes,
    };
}
