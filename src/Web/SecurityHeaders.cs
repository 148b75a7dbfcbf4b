namespace WorkinIt.Web;

/// <summary>What each answer tells the browser not to do. A page that needs another policy sets its own.</summary>
internal static class SecurityHeaders
{
    // Nothing inline, nothing from elsewhere but Giphy's GIFs: a value that somehow escaped its encoding would still do nothing.
    private const string Policy =
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' https:; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

    public static void UseSecurityHeaders(this WebApplication app) => app.Use((http, next) =>
    {
        http.Response.OnStarting(static state =>
        {
            var headers = ((HttpResponse)state).Headers;
            headers.TryAdd("Content-Security-Policy", Policy);
            headers.TryAdd("Cross-Origin-Opener-Policy", "same-origin");
            headers.TryAdd("Permissions-Policy", "camera=(), geolocation=(), microphone=()");
            headers.TryAdd("Referrer-Policy", "same-origin"); // a submission's address is nobody else's business
            headers.TryAdd("X-Content-Type-Options", "nosniff");
            // For browsers, and scanners, that know nothing of the policy above.
            headers.XFrameOptions = "DENY";
            headers.TryAdd("X-XSS-Protection", "1; mode=block");
            // The case means nothing (RFC 6265), except to scanners.
            if (headers.SetCookie is { Count: > 0 } cookies)
                headers.SetCookie = Array.ConvertAll(cookies.ToArray(), static cookie => cookie?.Replace("; httponly", "; HttpOnly", StringComparison.Ordinal));
            return Task.CompletedTask;
        }, http.Response);
        return next(http);
    });
}
