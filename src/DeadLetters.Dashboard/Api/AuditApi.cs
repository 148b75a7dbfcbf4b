using System.Diagnostics.CodeAnalysis;
using Microsoft.AspNetCore.Http;
using WorkinIt.DeadLetters.Catalogue.Tokens;
using WorkinIt.DeadLetters.Dashboard.Audit;
using WorkinIt.DeadLetters.Dashboard.Queues;

namespace WorkinIt.DeadLetters.Dashboard.Api;

/// <summary>Who did what, and the export.</summary>
internal static class AuditApi
{
    private const string Lines = "application/x-ndjson";
    private static readonly string[] _conditions = ["exception", "type", "cause", "since", "until"];

    public static IEnumerable<ApiRoute> Routes { get; } =
    [
        ApiRoute.Get("/audit", TokenScope.View, "listAudit", "Shows who did what, newest first, masked.", ListAsync) with
        {
            Parameters = [ApiField.Queue with { IsRequired = false, Description = "Only entries of this queue." }, ApiField.Source, new("cursor", "string", "nextCursor of the page before.")],
            Answer = new ApiAudit([ApiAuditEntry.Example], null),
        },
        ApiRoute.Get("/audit/{entry}", TokenScope.Operate, "revealEdit", "Shows the messages of an edit unmasked. The audit log records that.", RevealAsync) with
        {
            Answer = ApiAuditEntry.Example,
        },
        ApiRoute.Get("/export", TokenScope.Operate, "exportLetters", "Exports dead letters, complete and unmasked, one JSON object per line, as a stream. The audit log records it. The file can be imported again with the command.", ExportAsync) with
        {
            Parameters =
            [
                ApiField.Queue, ApiField.Source, new("exception", "string", "The exception's type contains this."), new("type", "string", "A message type contains this."),
                new("cause", "string", "The id of a cause."), new("since", "string", "Failed at this time or later."), new("until", "string", "Failed at this time or earlier."), ApiField.Confirm,
            ],
            ContentType = Lines,
        },
    ];

    private static async Task<IResult> ListAsync(ApiCall call)
    {
        var model = await AuditPage.ModelAsync(call.Page, call.Query("queue"), call.Query("cursor"), revealed: null);
        return ApiAnswer.Ok(new ApiAudit(
            [.. model.Entries.Select(entry => ApiAuditEntry.Of(entry, model.Unended.GetValueOrDefault(entry.Id)?.State(model.Now)))], model.HasMore ? model.Entries[^1].Id : null));
    }

    private static async Task<IResult> RevealAsync(ApiCall call) => await AuditPage.RevealedAsync(call.Page) is { } entry
        ? ApiAnswer.Ok(ApiAuditEntry.Of(entry, null) with { Original = entry.Original, Edited = entry.Edited })
        : AuditPage.NotFound(call.Page);

    private static async Task<IResult> ExportAsync(ApiCall call)
    {
        var page = call.Page;
        call.ActOn(call.Query("source"), call.Required("queue"));
        var filter = FilterOf(call);
        var queue = await QueuePages.FindAsync(page);
        return QueuePages.NeedsWarning(page, queue) ? LetterApi.Warn(queue) : new Export(page, new OperationRequest { Queue = queue.Name, Filter = filter, By = page.By });
    }

    private static DeadLetterFilter FilterOf(ApiCall call)
    {
        var filter = DeadLetterFilter.All;
        foreach (var name in _conditions.Where(name => call.Query(name) is not null))
        {
            try
            {
                var one = DeadLetterFilter.Parse([$"{name}={call.Query(name)}"]);
                filter = filter with
                {
                    Exception = filter.Exception ?? one.Exception,
                    MessageType = filter.MessageType ?? one.MessageType,
                    Cause = filter.Cause ?? one.Cause,
                    Since = filter.Since ?? one.Since,
                    Until = filter.Until ?? one.Until,
                };
            }
            catch (FormatException e)
            {
                throw new ApiInputException(name, $"{e.Message}.");
            }
        }
        return filter;
    }

    /// <summary>Writes the dead letters while they are read. A client that reads slowly slows that down, and holds no thread meanwhile.</summary>
    private sealed class Export(PageContext page, OperationRequest request) : IResult
    {
        private const int Buffer = 64 * 1024;

        public async Task ExecuteAsync(HttpContext httpContext)
        {
            httpContext.Response.ContentType = Lines;
            httpContext.Response.Headers.CacheControl = "no-store";
            try
            {
                await ExportAsync(httpContext.Response.Body);
            }
            catch (DeadLetterException e) when (!httpContext.Response.HasStarted)
            {
                await Shared.BrokerProblems.Show(page, e).ExecuteAsync(httpContext);
            }
            catch (DeadLetterException)
            {
                httpContext.Abort(); // a complete answer would look like a complete export
            }
        }

        // Not disposed: that would flush it and so begin the answer, although there is nothing to export, only an error to report. The export flushes it.
        [SuppressMessage("Reliability", "CA2000:Dispose objects before losing scope", Justification = "It owns nothing but memory")]
        private Task<long> ExportAsync(Stream body) => page.Broker.ExportAsync(request, new BufferedStream(body, Buffer), null, page.Aborted);
    }
}

/// <summary>Entries of the audit log.</summary>
/// <param name="Entries">The entries, newest first.</param>
/// <param name="NextCursor">The cursor of the next page; null if this is the last one.</param>
internal sealed record ApiAudit(IReadOnlyList<ApiAuditEntry> Entries, string? NextCursor);

/// <summary>An entry of the audit log, masked.</summary>
internal sealed record ApiAuditEntry
{
    public required string Id { get; init; }

    public required DateTimeOffset At { get; init; }

    public DateTimeOffset? EndedAt { get; init; }

    public required string By { get; init; }

    public required string Verb { get; init; }

    public required string Queue { get; init; }

    public string? Source { get; init; }

    public string Filter { get; init; } = "";

    public long Selected { get; init; }

    public long Done { get; init; }

    public long Refused { get; init; }

    public string Results { get; init; } = "";

    public string Problem { get; init; } = "";

    /// <summary>Of one that has not ended: whether it runs, as far as is known.</summary>
    public string? State { get; init; }

    public IReadOnlyList<string> Messages { get; init; } = [];

    /// <summary>Of an edit: the message before it, masked.</summary>
    public string? Original { get; init; }

    /// <summary>Of an edit: the message after it, masked.</summary>
    public string? Edited { get; init; }

    public static ApiAuditEntry Example { get; } = new()
    {
        Id = ApiExamples.Operation,
        At = ApiExamples.Time,
        EndedAt = ApiExamples.Time.AddMinutes(2),
        By = "Erin (token deploy-bot, t_3fa91c02)",
        Verb = "replay",
        Queue = "orders_error",
        Filter = "cause=5f1c9a3e",
        Selected = 840,
        Done = 838,
        Refused = 2,
        Results = "1 failed again, 837 handled",
    };

    public static ApiAuditEntry Of(AuditEntry entry, string? state) => new()
    {
        Id = entry.Id,
        At = entry.At,
        EndedAt = entry.EndedAt,
        By = entry.By,
        Verb = entry.Verb,
        Queue = entry.Queue,
        Source = entry.Source,
        Filter = Masking.Filter(entry.Filter),
        Selected = entry.Selected,
        Done = entry.Done,
        Refused = entry.Refused,
        Results = entry.Results,
        Problem = Masking.Text(entry.Problem),
        State = entry.EndedAt is null ? state ?? "not known: still running, or interrupted" : null,
        Messages = [.. entry.Messages.Select(Masking.Value)],
        Original = entry.Original is { } original ? Masking.Json(original) : null,
        Edited = entry.Edited is { } edited ? Masking.Json(edited) : null,
    };
}
