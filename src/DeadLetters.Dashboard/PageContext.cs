using System.Diagnostics.CodeAnalysis;
using Microsoft.AspNetCore.Antiforgery;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Components;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using WorkinIt.DeadLetters.Catalogue;
using WorkinIt.DeadLetters.Dashboard.Operations;
using WorkinIt.DeadLetters.Dashboard.Shared;

namespace WorkinIt.DeadLetters.Dashboard;

/// <summary>One request: its user, the user's permissions, and the links.</summary>
internal sealed class PageContext
{
    private const long LargestBody = 64 * 1024 * 1024; // an edited message, percent-encoded

    private const int LongestHost = 260; // a DNS name and a port

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

    /// <summary>The catalogue; null if the application has none.</summary>
    public CatalogueDatabase? Catalogue => Http.RequestServices.GetService<CatalogueDatabase>();

    /// <summary>The name of this application's virtual host in the catalogue.</summary>
    public string Source => Service<CatalogueOptions>().Source ?? Service<DeadLetterOptions>().VirtualHost;

    /// <summary>Why this page shows no catalogue, though the application has one; null if it shows it.</summary>
    public string? CatalogueProblem { get; set; }

    /// <summary>Whether the application registered an <see cref="IReplayAdvisor"/>, which knows what was sent.</summary>
    public bool HasAdvisor => Http.RequestServices.GetService<IReplayAdvisor>() is not null;

    public CancellationToken Aborted => Http.RequestAborted;

    /// <summary>The user's name, as the audit log records it.</summary>
    public string By => Http.User.Identity?.Name is { Length: > 0 } name ? name : "unnamed user";

    public bool IsPost => HttpMethods.IsPost(Http.Request.Method);

    /// <summary>The queue named in the address.</summary>
    public string Queue => Route("queue");

    public string Route(string name) => Links.Name((string)Http.GetRouteValue(name)!);

    /// <summary>A value of the posted form if it has one, otherwise of the query. Null if empty.</summary>
    public string? Value(string name) =>
        (IsPost && Form.TryGetValue(name, out var posted) ? posted : Http.Request.Query[name]).ToString() is { Length: > 0 } value ? value.Trim() : null;

    public bool IsTicked(string name) => Value(name) is "true" or "on";

    public string? ManagementLink(string queue) => Options.ManagementUi is { } ui
        ? $"{ui.ToString().TrimEnd('/')}/#/queues/{Uri.EscapeDataString(Service<DeadLetterOptions>().VirtualHost)}/{Uri.EscapeDataString(queue)}"
        : null;

    /// <summary>The application's own link for a dead letter; null if it makes none.</summary>
    public Uri? LinkTo(DeadLetter letter) =>
        Options.LinkTo?.Invoke(letter) is { } link && (!link.IsAbsoluteUri || link.Scheme == Uri.UriSchemeHttps || link.Scheme == Uri.UriSchemeHttp) ? link : null;

    public T Service<T>()
        where T : notnull => Http.RequestServices.GetRequiredService<T>();

    /// <summary>Answers a request. Reads the form and checks its token first; shows errors on a page.</summary>
    public static async Task AnswerAsync(HttpContext http, string path, DashboardOptions options, Func<PageContext, Task<IResult>> page)
    {
        PageHeaders.Add(http.Response);
        if (http.Request.Host is not { Value.Length: > 0 and <= LongestHost })
        {
            http.Response.StatusCode = StatusCodes.Status400BadRequest;
            await http.Response.WriteAsync("The Host header is empty or too long.", http.RequestAborted);
            return;
        }
        var context = new PageContext(http, options, Links.Of(http, path));
        context.MayAct = (await context.Service<IAuthorizationService>().AuthorizeAsync(http.User, options.OperatePolicy)).Succeeded;
        var result = await context.ReadFormAsync() ?? await context.TryAsync(page);
        await result.ExecuteAsync(http);
    }

    /// <summary>Renders a page with its model.</summary>
    public IResult Page<[DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.All)] TPage, TModel>(
        string title, TModel model, int status = StatusCodes.Status200OK, bool refreshes = false, bool wide = false)
        where TPage : IComponent
        where TModel : class
    {
        Token = Service<IAntiforgery>().GetAndStoreTokens(Http);
        Http.Response.Headers.CacheControl = "no-store";
        return new RazorComponentResult<Root<TPage, TModel>>(new Dictionary<string, object?>
        {
            [nameof(Root<,>.Context)] = this,
            [nameof(Root<,>.Head)] = new Head(title, refreshes, wide),
            [nameof(Root<,>.Model)] = model,
        })
        { StatusCode = status, PreventStreamingRendering = true };
    }

    public IResult Problem(int status, string heading, string text, string? advice = null, bool isOfOperation = false) =>
        Page<ProblemPage, ProblemModel>(heading, new ProblemModel(heading, text, advice) { IsOfOperation = isOfOperation }, status);

    /// <summary>Redirects after a POST to the page that shows the result and can be reloaded.</summary>
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
            return Problem(StatusCodes.Status400BadRequest, "Invalid input", e.Message);
        }
    }

    private IResult Describe(DeadLetterException e)
    {
        if (e.Problem is DeadLetterProblem.Unreachable or DeadLetterProblem.Blocked)
            Http.Response.Headers.RetryAfter = "10";
        return e.Problem switch
        {
            DeadLetterProblem.Locked => Problem(StatusCodes.Status409Conflict, "Another operation is running on this queue", e.Message,
                "Only one operation can run on a queue at a time, which keeps a replay exact. Nothing is lost. Reload this page when the operation has ended.", isOfOperation: true),
            DeadLetterProblem.Unreachable => Problem(StatusCodes.Status503ServiceUnavailable, "The broker is unreachable", e.Message,
                "The dead letters stay where they are. Reload this page in a few seconds."),
            DeadLetterProblem.Blocked => Problem(StatusCodes.Status503ServiceUnavailable, "RabbitMQ accepts no messages", e.Message,
                "Free memory or disk space on the broker. The alarm then ends automatically."),
            DeadLetterProblem.Forbidden => Problem(StatusCodes.Status403Forbidden, "The broker denied permission", e.Message,
                "Give the RabbitMQ user of this page the permission, then try again."),
            DeadLetterProblem.NoSuchQueue => Problem(StatusCodes.Status404NotFound, "Queue not found", e.Message,
                "It may have been deleted, or have another name. See the list of queues."),
            DeadLetterProblem.Audit => Problem(StatusCodes.Status503ServiceUnavailable, "The audit log can’t be used", e.Message,
                "Check that this application may write to the audit log, and that the disk is not full. Then try again."),
            _ => Problem(StatusCodes.Status409Conflict, "This can’t be done safely", e.Message, "Nothing was changed."),
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
            return Problem(StatusCodes.Status400BadRequest, "Nothing was done", "This form has expired, or it was not sent from this site.",
                "Go back, reload the page and submit the form again.");
        }
        catch (Exception e) when (e is BadHttpRequestException or InvalidDataException or AntiforgeryValidationException)
        {
            return Problem(StatusCodes.Status413PayloadTooLarge, "Form too large", "The form is larger than this page accepts.",
                "Select fewer dead letters, or use a filter.");
        }
    }
}
