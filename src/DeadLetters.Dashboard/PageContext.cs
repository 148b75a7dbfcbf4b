using System.Diagnostics.CodeAnalysis;
using Microsoft.AspNetCore.Antiforgery;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Components;
using Microsoft.AspNetCore.Http;
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
    private const int LongestHost = 260; // a DNS name and a port

    private readonly Func<int, string, string, string?, IResult>? _problem; // answers with an error; null: with a page
    private string? _queue;

    public PageContext(HttpContext http, DashboardOptions options, Links links, Func<int, string, string, string?, IResult>? problem = null)
    {
        (Http, Options, Links, _problem) = (http, options, links, problem);
        Source = Sources.Default.Name;
        if (http.GetRouteValue("source") is string named)
            ActOn(Links.Name(named));
        IsOfSource |= http.GetRouteValue("queue") is not null;
    }

    public HttpContext Http { get; }

    public DashboardOptions Options { get; }

    /// <summary>The addresses. Those of queues and letters are in <see cref="Source"/>.</summary>
    public Links Links { get; private set; }

    public bool MayAct { get; set; }

    public AntiforgeryTokenSet Token { get; private set; } = null!;

    public IFormCollection Form { get; set; } = FormCollection.Empty;

    /// <summary>Acts on <see cref="Source"/>.</summary>
    /// <exception cref="DeadLetterException">This application does not have that source.</exception>
    public DeadLetterClient Broker => Here.Client;

    /// <summary>All sources of this application.</summary>
    public DeadLetterSources Sources => Service<DeadLetterSources>();

    /// <summary>The name of the source whose queues this page shows.</summary>
    public string Source { get; private set; }

    /// <summary>The source whose queues this page shows; null if this application does not have it: it is another host's, with the same catalogue.</summary>
    public DeadLetterSource? At => Sources.Find(Source);

    /// <inheritdoc cref="At"/>
    /// <exception cref="DeadLetterException">This application does not have that source.</exception>
    public DeadLetterSource Here => At ?? throw new DeadLetterException(DeadLetterProblem.Refused, $"This application is not connected to {Source}");

    /// <summary>Whether this page shows a queue, or something in one, and not all sources.</summary>
    public bool IsOfSource { get; private set; }

    public OperationRunner Runner => Service<OperationRunner>();

    public TimeProvider Time => Service<TimeProvider>();

    /// <summary>The catalogue; null if the application has none.</summary>
    public CatalogueDatabase? Catalogue => Http.RequestServices.GetService<CatalogueDatabase>();

    /// <summary>Why this page shows no catalogue, though the application has one; null if it shows it.</summary>
    public string? CatalogueProblem { get; set; }

    /// <summary>Whether the application registered an <see cref="IReplayAdvisor"/>, which knows what was sent.</summary>
    public bool HasAdvisor => Http.RequestServices.GetService<IReplayAdvisor>() is not null;

    public CancellationToken Aborted => Http.RequestAborted;

    /// <summary>The user's name, as the audit log records it.</summary>
    public string By => SignedIn.NameOf(Http.User) ?? "unnamed user";

    public bool IsPost => HttpMethods.IsPost(Http.Request.Method);

    /// <summary>The queue named in the address.</summary>
    public string Queue => _queue ?? Route("queue");

    /// <summary>Whether the user accepts the cost of reading a queue. On a page, a POST confirms its warning.</summary>
    public bool IsConfirmed => _problem is null ? IsPost : IsTicked("confirm");

    public string Route(string name) => Links.Name((string)Http.GetRouteValue(name)!);

    /// <summary>A value of the posted form if it has one, otherwise of the query. Null if empty.</summary>
    public string? Value(string name) =>
        (IsPost && Form.TryGetValue(name, out var posted) ? posted : Http.Request.Query[name]).ToString() is { Length: > 0 } value ? value.Trim() : null;

    public bool IsTicked(string name) => Value(name) is "true" or "on";

    /// <summary>The page of a queue in RabbitMQ's management UI. A source with a management API of its own has its UI there.</summary>
    public string? ManagementLink(string queue) => Options.ManagementUi is { } common && At?.Options is { } broker
        ? $"{(broker.Management == Sources.Default.Options.Management ? common : broker.Management).ToString().TrimEnd('/')}/#/queues/{Uri.EscapeDataString(broker.VirtualHost)}/{Uri.EscapeDataString(queue)}"
        : null;

    /// <summary>Whether a name of a queue needs the name of its source beside it.</summary>
    public bool Shows(string source) => Sources.Count > 1 || source != Sources.Default.Name;

    /// <summary>A queue as text, with its source if there are several.</summary>
    public string Place(string source, string queue) => Shows(source) ? $"{queue} ({source})" : queue;

    /// <summary>Makes this the page of a source: its links and actions go there.</summary>
    /// <param name="source">The source's name; null: the default one.</param>
    public void ActOn(string? source)
    {
        Source = source ?? Sources.Default.Name;
        Links = Links.Of(Source);
        IsOfSource = true;
    }

    /// <summary>Makes this a request for a queue of a source.</summary>
    public void ActOn(string? source, string queue)
    {
        ActOn(source);
        _queue = queue;
    }

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
        context.MayAct = SignedIn.NameOf(http.User) is not null && (await context.Service<IAuthorizationService>().AuthorizeAsync(http.User, options.OperatePolicy)).Succeeded;
        var result = await PageForm.ReadAsync(context) ?? context.UnknownSource() ?? await context.TryAsync(page);
        await result.ExecuteAsync(http);
    }

    /// <summary>Renders a page with its model.</summary>
    public IResult Page<[DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.All)] TPage, TModel>(
        string title, TModel model, int status = StatusCodes.Status200OK, bool refreshes = false, bool wide = false)
        where TPage : IComponent
        where TModel : class
    {
        Token = SignedIn.TokenFor(Http, Service<IAntiforgery>());
        Http.Response.Headers.CacheControl = "no-store";
        return new RazorComponentResult<Root<TPage, TModel>>(new Dictionary<string, object?>
        {
            [nameof(Root<,>.Context)] = this,
            [nameof(Root<,>.Head)] = new Head(IsOfSource && Shows(Source) ? $"{title} ({Source})" : title, refreshes, wide),
            [nameof(Root<,>.Model)] = model,
        })
        { StatusCode = status, PreventStreamingRendering = true };
    }

    public IResult Problem(int status, string heading, string text, string? advice = null, bool isOfOperation = false) =>
        _problem?.Invoke(status, heading, text, advice)
        ?? Page<ProblemPage, ProblemModel>(heading, new ProblemModel(heading, text, advice) { IsOfOperation = isOfOperation }, status);

    /// <summary>Redirects after a POST to the page that shows the result and can be reloaded.</summary>
    public static IResult SeeOther(string address) => new Redirection(address);

    /// <summary>Redirects to the page of an operation.</summary>
    public IResult ToOperation(string id) => new Redirection(Links.Operation(id)) { Operation = id };

    /// <summary>Answers with a page only if the audit log can record who asked for it.</summary>
    public static Func<PageContext, Task<IResult>> Named(Func<PageContext, Task<IResult>> page) => context => SignedIn.NameOf(context.Http.User) is not null
        ? page(context)
        : Task.FromResult(context.Problem(StatusCodes.Status403Forbidden, "Nothing was done", SignedIn.NoName, SignedIn.NoNameAdvice));

    private IResult? UnknownSource() => At is not null ? null : Problem(
        StatusCodes.Status404NotFound, "Source not found", $"This application has no source “{Source}”.", "Its name may have changed. See the list of queues.");

    private async Task<IResult> TryAsync(Func<PageContext, Task<IResult>> page)
    {
        try
        {
            return await page(this);
        }
        catch (DeadLetterException e)
        {
            return BrokerProblems.Show(this, e);
        }
        catch (FormatException e)
        {
            return Problem(StatusCodes.Status400BadRequest, "Invalid input", e.Message);
        }
    }
}
