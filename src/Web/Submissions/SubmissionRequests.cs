using WorkinIt.Messaging;

namespace WorkinIt.Web.Submissions;

/// <summary>The lines about a request for a submission bear its id, those about a failure included.</summary>
internal static class SubmissionRequests
{
    public static void UseSubmissionScope(this WebApplication app) => app.Use(async (http, next) =>
    {
        using var scope = IdIn(http.Request.Path) is { } id ? app.Logger.BeginSubmissionScope(id) : null;
        await next(http);
    });

    // By the path and not by the route: what is logged about a failure is logged outside of the routing.
    private static Guid? IdIn(PathString path)
    {
        if (!path.StartsWithSegments("/api", StringComparison.Ordinal, out var rest))
            rest = path;
        return rest.StartsWithSegments("/submissions", StringComparison.Ordinal, out var submission)
            && Guid.TryParse(submission.Value?.Split('/').ElementAtOrDefault(1), out var id) ? id : null;
    }
}
