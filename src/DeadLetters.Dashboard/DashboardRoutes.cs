using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using WorkinIt.DeadLetters.Catalogue.Triage;
using WorkinIt.DeadLetters.Dashboard.Audit;
using WorkinIt.DeadLetters.Dashboard.BoardPages;
using WorkinIt.DeadLetters.Dashboard.Causes;
using WorkinIt.DeadLetters.Dashboard.Doctor;
using WorkinIt.DeadLetters.Dashboard.Messages;
using WorkinIt.DeadLetters.Dashboard.Operations;
using WorkinIt.DeadLetters.Dashboard.Queues;
using WorkinIt.DeadLetters.Dashboard.Shared;
using WorkinIt.DeadLetters.Dashboard.Tokens;

namespace WorkinIt.DeadLetters.Dashboard;

/// <summary>All routes of the pages. Every POST requires an antiforgery token; every operation also requires <see cref="DashboardOptions.OperatePolicy"/>.</summary>
internal sealed class DashboardRoutes(RouteGroupBuilder group, DashboardOptions options)
{
    private const string Source = "/sources/{source}";
    private const string Operation = "/operations/{operation}";

    public void Map()
    {
        Get("", BoardPage.ShowAsync);
        Post("/search", BoardPage.SearchAsync);
        Get("/events", BoardEvents.ShowAsync);
        Get("/letters", LetterListPage.ShowAsync);
        PostOperation("/letters/replay", CatalogueActions.ReplayAsync);
        PostOperation("/letters/discard", CatalogueActions.DiscardAsync);
        PostOperation("/letters/put-back", KeptActions.PutBackAsync);
        PostOperation("/letters/dismiss", KeptActions.DismissAsync);
        Get("/find", FindPage.FindAsync);
        Get("/doctor", DoctorPage.ShowAsync);
        MapQueues("/queues");
        MapQueues(Source + "/queues");
        Get(Operation, OperationPages.ShowAsync);
        PostOperation(Operation + "/again", OperationPages.AgainAsync);
        PostOperation(Operation + "/run", OperationPages.RunAsync);
        PostOperation(Operation + "/repair", RepairPages.FormAsync);
        PostOperation(Operation + "/repair/preview", RepairPages.PreviewAsync);
        PostOperation(Operation + "/cancel", OperationPages.CancelAsync);
        PostOperation(Operation + "/pause", PausePages.PauseAsync);
        PostOperation(Operation + "/resume", PausePages.ResumeAsync);
        PostOperation(Operation + "/slower", PausePages.SlowerAsync);

        Get("/audit", AuditPage.ShowAsync);
        Post("/audit/{entry}/reveal", PageContext.Named(AuditPage.RevealAsync));

        Get("/tokens", TokenPages.ShowAsync).RequireAuthorization(options.OperatePolicy);
        PostOperation("/tokens", TokenPages.MakeAsync);
        PostOperation("/tokens/{token}/revoke", TokenPages.RevokeAsync);

        if (((IEndpointRouteBuilder)group).ServiceProvider.GetService<TriageStore>() is not null)
            CauseRoutes.Map((path, page) => Get(path, page), (path, page) => PostOperation(path, page));

        Get("/assets/dead-letters.css", Asset.ServeAsync("dead-letters.css", "text/css; charset=utf-8"));
        Get("/assets/dead-letters.js", Asset.ServeAsync("dead-letters.js", "text/javascript; charset=utf-8"));
        Get("/assets/board.css", Asset.ServeAsync("board.css", "text/css; charset=utf-8"));
        Get("/assets/board.js", Asset.ServeAsync("board.js", "text/javascript; charset=utf-8"));
        Get("/assets/dead-letters.svg", Asset.ServeAsync("dead-letters.svg", "image/svg+xml"));
    }

    /// <param name="queues">The path of the list of queues: that of the default source, or of the one in the address.</param>
    private void MapQueues(string queues)
    {
        var queue = queues + "/{queue}";
        var letter = queue + "/letters/{id}";
        Get(queues, QueuePages.QueuesAsync);
        GetOrPost(queue, QueuePages.CausesAsync);
        GetOrPost(queue + "/letters", QueuePages.LettersAsync);
        Post(queue + "/filter", QueuePages.FilterAsync);
        GetOrPost(letter, MessagePage.ShowAsync);
        Post(letter + "/reveal", PageContext.Named(MessagePage.RevealAsync));
        Post(letter + "/download", PageContext.Named(MessagePage.DownloadAsync));

        PostOperation(letter + "/edit", EditPages.EditAsync);
        PostOperation(letter + "/edit/preview", EditPages.PreviewAsync);
        PostOperation(queue + "/replay", OperationPages.ReplayAsync);
        PostOperation(queue + "/discard", OperationPages.DiscardAsync);
        PostOperation(queue + "/restore", OperationPages.RestoreAsync);
    }

    private IEndpointConventionBuilder Get(string path, Func<PageContext, Task<IResult>> page) => Map(path, [HttpMethods.Get, HttpMethods.Head], page);

    private IEndpointConventionBuilder Post(string path, Func<PageContext, Task<IResult>> page) => Map(path, [HttpMethods.Post], page);

    private void PostOperation(string path, Func<PageContext, Task<IResult>> page) => Post(path, PageContext.Named(page)).RequireAuthorization(options.OperatePolicy);

    // A POST confirms the access warning of a queue where viewing has a cost.
    private void GetOrPost(string path, Func<PageContext, Task<IResult>> page)
    {
        Get(path, page);
        Post(path, page);
    }

    private IEndpointConventionBuilder Map(string path, IEnumerable<string> methods, Func<PageContext, Task<IResult>> page) =>
        group.MapMethods(path.Length == 0 ? "/" : path, methods, (RequestDelegate)(http => PageContext.AnswerAsync(http, path, options, page)));
}
