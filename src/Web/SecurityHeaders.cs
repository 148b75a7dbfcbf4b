namespace WorkinIt.Web;

/// <summary>Response headers that restrict what the browser may do. A page that needs another policy sets its own.</summary>
internal static class SecurityHeaders
{
    // No inline code, and nothing from other hosts except images (Giphy's GIFs): a value that got past the encoding would still not run.
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
            headers.TryAdd("Referrer-Policy", "same-origin"); // other sites must not get a submission's URL
            headers.TryAdd("X-Content-Type-Options", "nosniff");
            // For browsers and scanners that do not know the policy above.
            headers.XFrameOptions = "DENY";
            headers.TryAdd("X-XSS-Protection", "1; mode=block");
            // Attribute names are case-insensitive (RFC 6265), but some scanners expect this spelling.
            if (headers.SetCookie is { Count: > 0 } cookies)
                headers.SetCookie = Array.ConvertAll(cookies.ToArray(), static cookie => cookie?.Replace("; httponly", "; HttpOnly", StringComparison.Ordinal));
            return Task.CompletedTask;
        }, http.Response);
        return next(http);
    });
}
