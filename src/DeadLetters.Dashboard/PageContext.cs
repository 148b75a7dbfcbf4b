using System.Diagnostics.CodeAnalysis;
using Microsoft.AspNetCore.Antiforgery;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Components;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using WorkinIt.DeadLetters.Dashboard.Operations;
using WorkinIt.DeadLetters.Dashboard.Shared;

namespace WorkinIt.DeadLetters.Dashboard;

/// <summary>One request: who asks, what they may, where the links go.</summary>
internal sealed class PageContext
{
    private const long LargestBody = 64 * 1024 * 1024; // an edited message, percent-encoded

    private const int LongestHost = 260; // a name of the DNS, and a port

    private PageContext(HttpContext http, DashboardOptions options, Links links) => (Http, Options, Links) = (http, options, links);

    public HttpContext Http { get; }

    public DashboardOptions Options { get; }

    public Links Links { get; }

    public bool MayAct { get; private set; }

    public AntiforgeryTokenSet Token { get; private set; } = null!;

    public IFormCollection Form { get; private set; } = FormCollection.Empty;

    public DeadLetterClient Broker => Service<DeadLetterClient>();

    public OperationRunner Runner => Service<OperationRunner>();

    public TimeProvider Time => Service<TimeProvider>();

    /// <summary>Whether there is somebody who knows what was sent.</summary>
    public bool HasAdvisor => Http.RequestServices.GetService<IReplayAdvisor>() is not null;

    public CancellationToken Aborted => Http.RequestAborted;

    /// <summary>The person, as the audit names them.</summary>
    public string By => Http.User.Identity?.Name is { Length: > 0 } name ? name : "somebody without a name";

    public bool IsPost => HttpMethods.IsPost(Http.Request.Method);

    /// <summary>The queue that the address names.</summary>
    public string Queue => Route("queue");

    public string Route(string name) => Links.Name((string)Http.GetRouteValue(name)!);

    /// <summary>Of the query, or of the form where it is posted; null when it is empty.</summary>
    public string? Value(string name) =>
        (IsPost && Form.TryGetValue(name, out var posted) ? posted : Http.Request.Query[name]).ToString() is { Length: > 0 } value ? value.Trim() : null;

    public bool IsTicked(string name) => Value(name) is "true" or "on";

    public string? ManagementLink(string queue) => Options.ManagementUi is { } ui
        ? $"{ui.ToString().TrimEnd('/')}/#/queues/{Uri.EscapeDataString(Service<DeadLetterOptions>().VirtualHost)}/{Uri.EscapeDataString(queue)}"
        : null;

    public T Service<T>()
        where T : notnull => Http.RequestServices.GetRequiredService<T>();

    /// <summary>Answers a request: the form read and its token checked before anything else, problems told on a page.</summary>
    public static async Task AnswerAsync(HttpContext http, string path, DashboardOptions options, Func<PageContext, Task<IResult>> page)
    {
        Guard(http.Response);
        if (http.Request.Host is not { Value.Length: > 0 and <= LongestHost })
        {
            http.Response.StatusCode = StatusCodes.Status400BadRequest;
            await http.Response.WriteAsync("The Host header is empty or too long.", http.RequestAborted);
            return;
        }
        var context = new PageContext(http, options, Links.Of(http, path));
        context.MayAct = (await context.Service<IAuthorizationService>().AuthorizeAsync(http.User, options.ActPolicy)).Succeeded;
        var result = await context.ReadFormAsync() ?? await context.TryAsync(page);
        await result.ExecuteAsync(http);
    }

    /// <summary>A page with its model.</summary>
    public IResult Page<[DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.All)] TPage, TModel>(
        string title, TModel model, int status = StatusCodes.Status200OK, bool refreshes = false)
        where TPage : IComponent
        where TModel : class
    {
        Token = Service<IAntiforgery>().GetAndStoreTokens(Http);
        Http.Response.Headers.CacheControl = "no-store";
        return new RazorComponentResult<Root<TPage, TModel>>(new Dictionary<string, object?>
        {
            [nameof(Root<,>.Context)] = this,
            [nameof(Root<,>.Head)] = new Head(title, refreshes),
            [nameof(Root<,>.Model)] = model,
        })
        { StatusCode = status, PreventStreamingRendering = true };
    }

    public IResult Problem(int status, string heading, string text, string? advice = null) =>
        Page<ProblemPage, ProblemModel>(heading, new ProblemModel(heading, text, advice), status);

    /// <summary>After a POST: the page that shows what became of it, which can be loaded again.</summary>
    public static IResult SeeOther(string address) => new Redirection(address);

    private async Task<IResult> TryAsync(Func<PageContext, Task<IResult>> page)
    {
        try
        {
            return await page(this);
        }
        catch (DeadLetterException e)
        {
            return Describe(e);
        }
        catch (FormatException e)
        {
            return Problem(StatusCodes.Status400BadRequest, "That can’t be read", e.Message);
        }
    }

    private IResult Describe(DeadLetterException e)
    {
        if (e.Problem is DeadLetterProblem.OutOfReach or DeadLetterProblem.Blocked)
            Http.Response.Headers.RetryAfter = "10";
        return e.Problem switch
        {
            DeadLetterProblem.Locked => Problem(StatusCodes.Status409Conflict, "Somebody is at work here", e.Message,
                "One operation at a time keeps a replay exact. Nothing is lost; load this page again when it has ended."),
            DeadLetterProblem.OutOfReach => Problem(StatusCodes.Status503ServiceUnavailable, "The broker is out of reach", e.Message,
                "The dead letters stand where they are. Load this page again in a few seconds."),
            DeadLetterProblem.Blocked => Problem(StatusCodes.Status503ServiceUnavailable, "RabbitMQ takes no messages now", e.Message,
                "Free memory or disk on the broker; the alarm ends automatically then."),
            DeadLetterProblem.Forbidden => Problem(StatusCodes.Status403Forbidden, "The broker does not allow that", e.Message,
                "Give the RabbitMQ user of this page the right, then try again."),
            DeadLetterProblem.NoSuchQueue => Problem(StatusCodes.Status404NotFound, "No such queue", e.Message,
                "It may have been deleted, or be named in another way: look at the list of queues."),
            DeadLetterProblem.Audit => Problem(StatusCodes.Status503ServiceUnavailable, "The audit can’t be used", e.Message,
                "Check that the user of this application may write to the audit log, and that the disk is not full. Then try again."),
            _ => Problem(StatusCodes.Status409Conflict, "That can’t be done safely", e.Message, "Nothing was changed."),
        };
    }

    private async Task<IResult?> ReadFormAsync()
    {
        if (!IsPost)
            return null;
        if (Http.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } limit)
            limit.MaxRequestBodySize = LargestBody;
        if (Http.Features.Get<IFormFeature>()?.Form is null)
        {
            Http.Features.Set<IFormFeature>(new FormFeature(Http.Request, new FormOptions
            {
                ValueLengthLimit = (int)LargestBody,
                BufferBodyLengthLimit = LargestBody,
                ValueCountLimit = 10_000,
            }));
        }
        try
        {
            await Service<IAntiforgery>().ValidateRequestAsync(Http);
            Form = Http.Request.HasFormContentType ? await Http.Request.ReadFormAsync(Aborted) : FormCollection.Empty;
            return null;
        }
        catch (AntiforgeryValidationException e) when (e.InnerException is not BadHttpRequestException { StatusCode: StatusCodes.Status413PayloadTooLarge })
        {
            return Problem(StatusCodes.Status400BadRequest, "Nothing was done", "This form was open for too long, or it did not come from here.",
                "Go back, load the page again and send it once more.");
        }
        catch (Exception e) when (e is BadHttpRequestException or InvalidDataException or AntiforgeryValidationException)
        {
            return Problem(StatusCodes.Status413PayloadTooLarge, "That was too much", "The form is larger than what is taken here.",
                "Select fewer dead letters, or use a filter.");
        }
    }

    // Nothing inline and nothing from elsewhere: a value that somehow escaped its encoding would still do nothing.
    private static void Guard(HttpResponse response)
    {
        response.Headers.TryAdd("Content-Security-Policy",
            "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'");
        response.Headers.TryAdd("Referrer-Policy", "same-origin");
        response.Headers.TryAdd("X-Content-Type-Options", "nosniff");
    }

    private sealed class Redirection(string address) : IResult
    {
        public Task ExecuteAsync(HttpContext httpContext)
        {
            httpContext.Response.StatusCode = StatusCodes.Status303SeeOther;
            httpContext.Response.Headers.Location = address;
            return Task.CompletedTask;
        }
    }
}
