using WorkinIt.Messaging;

namespace WorkinIt.Web.Submissions;

/// <summary>Adds the submission's id to all log lines of a request for it, including those about a failure.</summary>
internal static class SubmissionRequests
{
    public static void UseSubmissionScope(this WebApplication app) => app.Use(async (http, next) =>
    {
        using var scope = IdIn(http.Request.Path) is { } id ? app.Logger.BeginSubmissionScope(id) : null;
        await next(http);
    });

    // Read from the path, not from the route: failures are logged outside the routing.
    private static Guid? IdIn(PathString path)
    {
        if (!path.StartsWithSegments("/api", StringComparison.Ordinal, out var rest))
            rest = path;
        return rest.StartsWithSegments("/submissions", StringComparison.Ordinal, out var submission)
            && Guid.TryParse(submission.Value?.Split('/').ElementAtOrDefault(1), out var id) ? id : null;
    }
}
