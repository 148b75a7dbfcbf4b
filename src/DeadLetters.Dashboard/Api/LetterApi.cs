using System.Globalization;
using Microsoft.AspNetCore.Http;
using WorkinIt.DeadLetters.Catalogue;
using WorkinIt.DeadLetters.Catalogue.Store;
using WorkinIt.DeadLetters.Catalogue.Tokens;
using WorkinIt.DeadLetters.Dashboard.BoardPages;
using WorkinIt.DeadLetters.Dashboard.Messages;
using WorkinIt.DeadLetters.Dashboard.Queues;

namespace WorkinIt.DeadLetters.Dashboard.Api;

/// <summary>Dead letters.</summary>
internal static class LetterApi
{
    public const string Line = "line";

    private const int NormalLimit = 50;
    private const int MostLetters = 1000;

    /// <summary>The search, as on the board.</summary>
    public static ApiField Query { get; } = new(
        "q", "string", "The search, as on the board: exception:Timeout queue:orders age:<1h. Text, headers and ids may be personal data, which a URL must not contain: send them as the body of searchLetters.");

    private static readonly ApiField _cursor = new("cursor", "string", "nextCursor of the page before.");
    private static readonly ApiField _queue = ApiField.Queue with { IsRequired = false, Description = "Only the letters of this queue. Required without a catalogue." };

    private static readonly ApiLetters _example = new([ApiLetter.Example], "1796008320000-4711");

    public static IEnumerable<ApiRoute> Routes { get; } =
    [
        ApiRoute.Get("/letters", TokenScope.View, "listLetters", "Lists dead letters, masked, the newest failure first. Without a catalogue, reads one queue in its order.", ListAsync) with
        {
            Parameters = [Query, ApiField.Source, _queue, _cursor, new("limit", "integer", $"How many, up to {MostLetters}. Default: {NormalLimit}."), ApiField.Confirm],
            Answer = _example,
        },
        ApiRoute.Post("/letters/search", TokenScope.View, "searchLetters", "Lists dead letters by any search, also one that contains personal data.", SearchAsync) with
        {
            Body = [new("q", "string", "The search, as on the board."), _cursor, new("limit", "integer", $"How many, up to {MostLetters}. Default: {NormalLimit}.")],
            BodyExamples = new Dictionary<string, string> { ["text"] = """{ "q": "exception:Timeout \"order 4711\"" }""" },
            Answer = _example,
        },
        ApiRoute.Get("/letters/{id}", TokenScope.View, "getLetter", "Shows a dead letter, masked. Unmasked only for operators, and the audit log records that.", ShowAsync) with
        {
            Parameters = [ApiField.Queue, ApiField.Source, new("reveal", "boolean", "Shows it unmasked."), new(Line, "boolean", "Adds the line that an export has."), ApiField.Confirm],
            Answer = ApiLetterDetails.Example,
        },
        ApiRoute.Get("/find", TokenScope.View, "findMessage", "Shows where a message is now, by its MessageId or its dead letter's id.", FindAsync) with
        {
            Parameters = [new("id", "string", "The id.") { IsRequired = true }],
            Answer = new ApiFound("It was sent on 2026-11-30 03:12", [new ApiPlace("shop", "orders_error", ApiExamples.LetterId, 3)], [], [], [ApiAuditEntry.Example]),
        },
        ApiRoute.Post("/letters/put-back", TokenScope.Operate, "putBackLetters", "Puts letters back into their queue that failed while the queue was missing.", PutBackAsync) with
        {
            Body = [new("letter", "array", "The letters: source/queue/id, each part percent-encoded.") { IsRequired = true }],
            BodyExamples = new Dictionary<string, string> { ["one"] = $$"""{ "letter": ["shop/orders_error/{{ApiExamples.LetterId}}"] }""" },
            Status = StatusCodes.Status204NoContent,
        },
        ApiRoute.Post("/letters/dismiss", TokenScope.Operate, "dismissLetters", "Dismisses letters that are gone and were never seen in their queue: they were removed on purpose, and can't be put back any more.", DismissAsync) with
        {
            Body = [new("letter", "array", "The letters: source/queue/id, each part percent-encoded.") { IsRequired = true }],
            BodyExamples = new Dictionary<string, string> { ["one"] = $$"""{ "letter": ["shop/orders_error/{{ApiExamples.LetterId}}"] }""" },
            Status = StatusCodes.Status204NoContent,
        },
    ];

    /// <summary>The search in the address of a request.</summary>
    /// <exception cref="ApiInputException">It can't be read, or contains what may be personal data.</exception>
    public static CatalogueQuery QueryOf(ApiCall call)
    {
        var query = Parse("q", call.Query("q"));
        if (QueryForm.IsPersonal(query))
            throw new ApiInputException("q", "Text, headers and ids may be personal data, which a URL must not contain. Send the search as the body of POST letters/search.");
        return query with { Source = call.Query("source") ?? query.Source, Queue = call.Query("queue") is { } queue ? CatalogueQuery.CompleteQueue(queue) : query.Queue };
    }

    /// <exception cref="ApiInputException">The search can't be read.</exception>
    public static CatalogueQuery Parse(string field, string? text)
    {
        try
        {
            return CatalogueQuery.Parse(text);
        }
        catch (FormatException e)
        {
            throw new ApiInputException(field, $"{e.Message}.");
        }
    }

    public static IResult NoCatalogue() => ApiAnswer.Problem(StatusCodes.Status409Conflict, "No catalogue", "This application has no catalogue of dead letters.", "Name a queue instead.");

    public static IResult Warn(DeadLetterQueue queue) => ApiAnswer.Problem(
        StatusCodes.Status409Conflict, "Reading this queue has a cost", queue.AccessWarning!, "To read it all the same, add confirm=true.", "confirm");

    private static Task<IResult> ListAsync(ApiCall call) => call.Page.Catalogue is { } catalogue
        ? ListAsync(call, catalogue, QueryOf(call), call.Query("cursor"), call.Limit(NormalLimit, MostLetters))
        : QueueAsync(call);

    private static async Task<IResult> SearchAsync(ApiCall call) => call.Page.Catalogue is { } catalogue
        ? await ListAsync(call, catalogue, Parse("q", call.Body.Text("q")), call.Body.Text("cursor"), LimitOf(call.Body))
        : NoCatalogue();

    private static int LimitOf(ApiBody body) => body.Raw("limit") is not { } text ? NormalLimit
        : int.TryParse(text, CultureInfo.InvariantCulture, out var limit) && limit is >= 1 and <= MostLetters ? limit
        : throw new ApiInputException("limit", $"limit must be a number from 1 to {MostLetters}.");

    private static async Task<IResult> ListAsync(ApiCall call, CatalogueDatabase catalogue, CatalogueQuery query, string? cursor, int limit)
    {
        var after = cursor is null ? null : CursorOf(cursor);
        var letters = await catalogue.ReadAsync((reader, token) => reader.LettersAfterAsync(query, after, limit + 1, token), call.Page.Aborted);
        var last = letters.Count > limit ? letters[limit - 1] : null;
        return ApiAnswer.Ok(new ApiLetters(
            [.. letters.Take(limit).Select(ApiLetter.Of)], last is null ? null : string.Create(CultureInfo.InvariantCulture, $"{last.At.ToUnixTimeMilliseconds()}-{last.Key}")));
    }

    private static LetterCursor CursorOf(string text) =>
        text.Split('-') is [var at, var key] && long.TryParse(at, NumberStyles.None, CultureInfo.InvariantCulture, out var time) && long.TryParse(key, NumberStyles.None, CultureInfo.InvariantCulture, out var row)
            ? new LetterCursor(time, row)
            : throw new ApiInputException("cursor", "The cursor is not a nextCursor of this list.");

    private static async Task<IResult> QueueAsync(ApiCall call)
    {
        var page = call.Page;
        if (call.Query("q") is not null)
            throw new ApiInputException("q", "This application has no catalogue, so it can only list a queue.");
        call.ActOn(call.Query("source"), call.Required("queue"));
        var limit = call.Limit(NormalLimit, MostLetters);
        long skip = 0;
        if (call.Query("cursor") is { } cursor && !long.TryParse(cursor, NumberStyles.None, CultureInfo.InvariantCulture, out skip))
            throw new ApiInputException("cursor", "The cursor is not a nextCursor of this list.");
        var queue = await QueuePages.FindAsync(page);
        if (QueuePages.NeedsWarning(page, queue))
            return Warn(queue);
        var letters = await page.Broker.ListAsync(queue.Name, DeadLetterFilter.All, skip, limit, page.By, page.Aborted);
        var next = skip + letters.Letters.Count;
        return ApiAnswer.Ok(new ApiLetters([.. letters.Letters.Select(letter => ApiLetter.Of(page.Source, letter))], next < letters.Matching ? next.ToString(CultureInfo.InvariantCulture) : null));
    }

    private static async Task<IResult> ShowAsync(ApiCall call)
    {
        var page = call.Page;
        page.ActOn(call.Query("source"), call.Required("queue")); // the catalogue may also have letters of a source that this application does not have
        if (!page.IsTicked("reveal"))
            return await MessagePage.ShowAsync(page, model => ApiAnswer.Ok(ApiLetterDetails.Of(page, model)), Warn);
        return ApiAccess.RefuseViewer(page, "An unmasked dead letter") ?? await MessagePage.RevealAsync(page, model => ApiAnswer.Ok(ApiLetterDetails.Of(page, model)), Warn);
    }

    private static async Task<IResult> FindAsync(ApiCall call)
    {
        var found = await FindPage.ModelAsync(call.Page, call.Required("id"));
        return ApiAnswer.Ok(new ApiFound(
            found.Known, [.. found.Places.Select(at => new ApiPlace(at.Source, at.Place.Queue.Name, at.Place.Letter.Id, at.Place.Letter.Position))],
            found.NotSearched, found.Problems, [.. found.Acts.Select(entry => ApiAuditEntry.Of(entry, null))]));
    }

    private static Task<IResult> PutBackAsync(ApiCall call) => KeptActions.PutBackAsync(call.Page);

    private static Task<IResult> DismissAsync(ApiCall call) => KeptActions.DismissAsync(call.Page);
}

/// <summary>A page of letters.</summary>
/// <param name="Letters">The letters.</param>
/// <param name="NextCursor">The cursor of the next page; null if this is the last one.</param>
internal sealed record ApiLetters(IReadOnlyList<ApiLetter> Letters, string? NextCursor);

/// <summary>Where a message is.</summary>
/// <param name="Known">What the application reports about it; null: nothing.</param>
/// <param name="Places">The dead letters.</param>
/// <param name="NotSearched">The queues that were not searched.</param>
/// <param name="Problems">The sources that were not searched, and why.</param>
/// <param name="Audit">Operations on it, newest first.</param>
internal sealed record ApiFound(string? Known, IReadOnlyList<ApiPlace> Places, IReadOnlyList<string> NotSearched, IReadOnlyList<string> Problems, IReadOnlyList<ApiAuditEntry> Audit);

/// <summary>A place of a message.</summary>
internal sealed record ApiPlace(string Source, string Queue, string Id, long Position);
