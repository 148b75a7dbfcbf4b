using Microsoft.AspNetCore.Http;

namespace WorkinIt.DeadLetters.Dashboard.Shared;

/// <summary>The security headers of every page.</summary>
internal static class PageHeaders
{
    // Nothing inline and nothing from other sites: a value that escaped its encoding would still do nothing.
    private const string Policy =
        "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

    /// <summary>Adds the headers that the application has not set.</summary>
    public static void Add(HttpResponse response)
    {
        response.Headers.TryAdd("Content-Security-Policy", Policy);
        response.Headers.TryAdd("Referrer-Policy", "same-origin");
        response.Headers.TryAdd("X-Content-Type-Options", "nosniff");
    }
}
