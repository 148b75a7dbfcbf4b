using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using WorkinIt.DeadLetters.Dashboard.Acting;
using WorkinIt.DeadLetters.Dashboard.Auditing;
using WorkinIt.DeadLetters.Dashboard.Layout;
using WorkinIt.DeadLetters.Dashboard.Looking;

namespace WorkinIt.DeadLetters.Dashboard;

/// <summary>All addresses of the pages. Whatever is no GET asks for an antiforgery token; whatever acts asks for the acting policy.</summary>
internal sealed class DashboardRoutes(RouteGroupBuilder group, DashboardOptions options)
{
    private const string Queue = "/queues/{queue}";
    private const string Letter = Queue + "/letters/{id}";
    private const string Operation = "/operations/{operation}";

    public IEndpointConventionBuilder Map()
    {
        Get("", QueuePages.QueuesAsync);
        Get("/find", FindPage.FindAsync);
        Look(Queue, QueuePages.CausesAsync);
        Look(Queue + "/letters", QueuePages.LettersAsync);
        Post(Queue + "/filter", QueuePages.FilterAsync);
        Look(Letter, LetterPage.ShowAsync);
        Post(Letter + "/reveal", LetterPage.RevealAsync);
        Post(Letter + "/download", LetterPage.DownloadAsync);

        Act(Letter + "/edit", EditPages.EditAsync);
        Act(Letter + "/edit/preview", EditPages.PreviewAsync);
        Act(Queue + "/replay", ActPages.ReplayAsync);
        Act(Queue + "/discard", ActPages.DiscardAsync);
        Act(Queue + "/restore", ActPages.RestoreAsync);
        Get(Operation, ActPages.ShowAsync);
        Act(Operation + "/again", ActPages.AgainAsync);
        Act(Operation + "/run", ActPages.RunAsync);
        Act(Operation + "/cancel", ActPages.CancelAsync);

        Get("/audit", AuditPage.ShowAsync);
        Post("/audit/{entry}/reveal", AuditPage.RevealAsync);

        Get("/assets/dead-letters.css", Asset.ServeAsync("dead-letters.css", "text/css; charset=utf-8"));
        Get("/assets/dead-letters.js", Asset.ServeAsync("dead-letters.js", "text/javascript; charset=utf-8"));
        Get("/assets/dead-letters.svg", Asset.ServeAsync("dead-letters.svg", "image/svg+xml"));
        return group;
    }

    private void Get(string path, Func<PageContext, Task<IResult>> page) => Map(path, [HttpMethods.Get, HttpMethods.Head], page);

    private IEndpointConventionBuilder Post(string path, Func<PageContext, Task<IResult>> page) => Map(path, [HttpMethods.Post], page);

    private void Act(string path, Func<PageContext, Task<IResult>> page) => Post(path, page).RequireAuthorization(options.ActPolicy);

    // By POST where a look has its price, and the person has been told.
    private void Look(string path, Func<PageContext, Task<IResult>> page)
    {
        Get(path, page);
        Post(path, page);
    }

    private IEndpointConventionBuilder Map(string path, IEnumerable<string> methods, Func<PageContext, Task<IResult>> page) =>
        group.MapMethods(path.Length == 0 ? "/" : path, methods, (RequestDelegate)(http => PageContext.AnswerAsync(http, path, options, page)));
}
