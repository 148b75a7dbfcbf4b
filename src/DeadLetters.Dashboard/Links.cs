using System.Globalization;
using System.Text;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using WorkinIt.DeadLetters.Catalogue;

namespace WorkinIt.DeadLetters.Dashboard;

/// <summary>The addresses of the pages under their mount path.</summary>
/// <param name="start">The path of the first page, without a trailing slash.</param>
/// <param name="hasBoard">Whether the first page is the board; otherwise it is the list of queues.</param>
internal sealed class Links(string start, bool hasBoard)
{
    /// <summary>Reads the mount path from the request: the path base, plus as many segments as the mount path has.</summary>
    public static Links Of(HttpContext http, string path)
    {
        var pattern = (http.GetEndpoint() as RouteEndpoint)?.RoutePattern.PathSegments.Count ?? 0;
        var mounted = pattern - path.Count(c => c == '/');
        var segments = http.Request.Path.Value!.Split('/', StringSplitOptions.RemoveEmptyEntries).Take(mounted);
        var start = http.Request.PathBase.ToUriComponent() + string.Concat(segments.Select(segment => new PathString("/" + segment).ToUriComponent()));
        return new Links(start, http.RequestServices.GetService<CatalogueDatabase>() is not null);
    }

    /// <summary>The first page.</summary>
    public string Start => start.Length == 0 ? "/" : start;

    public string Queues => hasBoard ? start + "/queues" : Start;

    public string Search => start + "/search";

    /// <summary>The letters of all queues, from the catalogue.</summary>
    public string AllLetters => start + "/letters";

    public string PutBack => AllLetters + "/put-back";

    public string Events => start + "/events";

    public string Find => start + "/find";

    public string Audit => start + "/audit";

    public string AuditOf(string queue) => $"{Audit}?queue={Uri.EscapeDataString(queue)}";

    public string RevealAudit(string entry) => $"{Audit}/{Uri.EscapeDataString(entry)}/reveal";

    public string FindId(string id) => $"{Find}?id={Uri.EscapeDataString(id)}";

    public string Queue(string queue) => $"{start}/queues/{Segment(queue)}";

    public string QueueAll(string queue) => Queue(queue) + "?all=true";

    public string Letters(string queue, string query = "") => $"{Queue(queue)}/letters{query}";

    public string Letter(string queue, string id) => $"{Queue(queue)}/letters/{Segment(id)}";

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
