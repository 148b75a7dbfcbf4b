using System.Globalization;
using System.Text;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using WorkinIt.DeadLetters.Catalogue;

namespace WorkinIt.DeadLetters.Dashboard;

/// <summary>The addresses of the pages under their mount path. Those of queues and letters are in one source.</summary>
/// <param name="start">The path of the first page, without a trailing slash.</param>
/// <param name="hasBoard">Whether the first page is the board; otherwise it is the list of queues.</param>
/// <param name="sources">The sources of the application.</param>
/// <param name="source">The name of the source.</param>
internal sealed class Links(string start, bool hasBoard, DeadLetterSources sources, string source)
{
    /// <summary>Reads the mount path from the request: the path base, plus as many segments as the mount path has.</summary>
    public static Links Of(HttpContext http, string path)
    {
        var pattern = (http.GetEndpoint() as RouteEndpoint)?.RoutePattern.PathSegments.Count ?? 0;
        var mounted = pattern - path.Count(c => c == '/');
        var segments = http.Request.Path.Value!.Split('/', StringSplitOptions.RemoveEmptyEntries).Take(mounted);
        var start = http.Request.PathBase.ToUriComponent() + string.Concat(segments.Select(segment => new PathString("/" + segment).ToUriComponent()));
        var sources = http.RequestServices.GetRequiredService<DeadLetterSources>();
        return new Links(start, http.RequestServices.GetService<CatalogueDatabase>() is not null, sources, sources.Default.Name);
    }

    /// <summary>The addresses in a source.</summary>
    public Links Of(string name) => name == source ? this : new Links(start, hasBoard, sources, name);

    /// <summary>The first page.</summary>
    public string Start => start.Length == 0 ? "/" : start;

    public string Queues => hasBoard ? start + "/queues" : Start;

    public string Search => start + "/search";

    /// <summary>The letters of all queues, from the catalogue.</summary>
    public string AllLetters => start + "/letters";

    public string PutBack => AllLetters + "/put-back";

    public string Dismiss => AllLetters + "/dismiss";

    public string Events => start + "/events";

    public string Find => start + "/find";

    /// <summary>The check of the virtual hosts.</summary>
    public string Doctor => start + "/doctor";

    public string Audit => start + "/audit";

    /// <summary>The tokens of the API.</summary>
    public string Tokens => start + "/tokens";

    /// <summary>The API.</summary>
    public string Api => start + Dashboard.Api.ApiRoutes.Path;

    public string AuditOf(string queue) => AuditPage(queue, null);

    /// <summary>A page of the audit log.</summary>
    /// <param name="queue">The queue; null for all.</param>
    /// <param name="before">The id of the last entry of the page before; null for the first page.</param>
    public string AuditPage(string? queue, string? before) =>
        Audit + Query(("queue", queue), ("source", queue is null || (sources is [{ IsOnly: true } only] && only.Name == source) ? null : source), ("before", before));

    public string RevealAudit(string entry) => $"{Audit}/{Uri.EscapeDataString(entry)}/reveal";

    public string FindId(string id) => $"{Find}?id={Uri.EscapeDataString(id)}";

    /// <summary>The list of the queues of the source only.</summary>
    public string SourceQueues => $"{start}/sources/{Segment(source)}/queues";

    /// <summary>A queue's page. For a queue of another host, whose source this application does not have: its letters in the catalogue.</summary>
    public string Queue(string queue) => sources.Find(source) switch
    {
        { IsDefault: true } => $"{start}/queues/{Segment(queue)}",
        not null => $"{SourceQueues}/{Segment(queue)}",
        _ => AllLetters + Query((BoardPages.QueryForm.Box, (CatalogueQuery.All with { Source = source, Queue = CatalogueQuery.CompleteQueue(queue) }).ToString())),
    };

    public string QueueAll(string queue) => Queue(queue) + "?all=true";

    public string Letters(string queue, string query = "") => $"{Queue(queue)}/letters{query}";

    public string Letter(string queue, string id) => sources.Find(source) is null
        ? $"{start}/queues/{Segment(queue)}/letters/{Segment(id)}{Query(("source", source))}"
        : $"{Queue(queue)}/letters/{Segment(id)}";

    public string Cause(string id) => $"{start}/causes/{Segment(id)}";

    public string Triage(string cause) => Cause(cause) + "/triage";

    public string Notifications => start + "/notifications";

    public string Operation(string id) => $"{start}/operations/{id}";

    public string Asset(string file) => $"{start}/assets/{file}?v={Shared.Asset.Version(file)}";

    /// <summary>Decodes a name that <see cref="Segment"/> encoded.</summary>
    public static string Name(string segment) => Uri.UnescapeDataString(segment);

    // Encodes % and / twice: the server decodes everything in a path except the slash, so that a/b and a%2Fb would be indistinguishable.
    private static string Segment(string name) =>
        Uri.EscapeDataString(name.Replace("%", "%25", StringComparison.Ordinal).Replace("/", "%2F", StringComparison.Ordinal));

    /// <summary>A query string of the parts that have a value.</summary>
    public static string Query(params IEnumerable<(string Name, string? Value)> parts)
    {
        var query = new StringBuilder();
        foreach (var (name, value) in parts.Where(part => !string.IsNullOrEmpty(part.Value)))
            query.Append(CultureInfo.InvariantCulture, $"{(query.Length == 0 ? '?' : '&')}{name}={Uri.EscapeDataString(value!)}");
        return query.ToString();
    }
}
