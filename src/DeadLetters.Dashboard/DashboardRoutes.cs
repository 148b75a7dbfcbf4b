using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using WorkinIt.DeadLetters.Dashboard.Operations;
using WorkinIt.DeadLetters.Dashboard.Audit;
using WorkinIt.DeadLetters.Dashboard.Shared;
using WorkinIt.DeadLetters.Dashboard.Messages;
using WorkinIt.DeadLetters.Dashboard.Queues;

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
        Look(Letter, MessagePage.ShowAsync);
        Post(Letter + "/reveal", MessagePage.RevealAsync);
        Post(Letter + "/download", MessagePage.DownloadAsync);

        RequestedOperation(Letter + "/edit", EditPages.EditAsync);
        RequestedOperation(Letter + "/edit/preview", EditPages.PreviewAsync);
        RequestedOperation(Queue + "/replay", OperationPages.ReplayAsync);
        RequestedOperation(Queue + "/discard", OperationPages.DiscardAsync);
        RequestedOperation(Queue + "/restore", OperationPages.RestoreAsync);
        Get(Operation, OperationPages.ShowAsync);
        RequestedOperation(Operation + "/again", OperationPages.AgainAsync);
        RequestedOperation(Operation + "/run", OperationPages.RunAsync);
        RequestedOperation(Operation + "/cancel", OperationPages.CancelAsync);

        Get("/audit", AuditPage.ShowAsync);
        Post("/audit/{entry}/reveal", AuditPage.RevealAsync);

        Get("/assets/dead-letters.css", Asset.ServeAsync("dead-letters.css", "text/css; charset=utf-8"));
        Get("/assets/dead-letters.js", Asset.ServeAsync("dead-letters.js", "text/javascript; charset=utf-8"));
        Get("/assets/dead-letters.svg", Asset.ServeAsync("dead-letters.svg", "image/svg+xml"));
        return group;
    }

    private void Get(string path, Func<PageContext, Task<IResult>> page) => Map(path, [HttpMethods.Get, HttpMethods.Head], page);

    private IEndpointConventionBuilder Post(string path, Func<PageContext, Task<IResult>> page) => Map(path, [HttpMethods.Post], page);

    private void RequestedOperation(string path, Func<PageContext, Task<IResult>> page) => Post(path, page).RequireAuthorization(options.ActPolicy);

    // By POST where a look has its price, and the person has been told.
    private void Look(string path, Func<PageContext, Task<IResult>> page)
    {
        Get(path, page);
        Post(path, page);
    }

    private IEndpointConventionBuilder Map(string path, IEnumerable<string> methods, Func<PageContext, Task<IResult>> page) =>
        group.MapMethods(path.Length == 0 ? "/" : path, methods, (RequestDelegate)(http => PageContext.AnswerAsync(http, path, options, page)));
}
