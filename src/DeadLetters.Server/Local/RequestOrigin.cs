using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;

namespace WorkinIt.DeadLetters.Server.Local;

/// <summary>
/// Refuses requests that a page of another site makes. A name of that site may lead to this machine (DNS rebinding), and another port of this
/// machine is the same site for a cookie.
/// </summary>
internal static class RequestOrigin
{
    public static void UseRequestOrigin(this IApplicationBuilder app) => app.Use((http, next) => Problem(http.Request) is { } problem
        ? PlainPage.WriteAsync(http, StatusCodes.Status403Forbidden, "Not allowed", problem)
        : next(http));

    /// <summary>Why a request is refused; null if it is not.</summary>
    public static string? Problem(HttpRequest request)
    {
        if (!IsLoopback(request.Host.Host))
            return "This server answers to localhost and 127.0.0.1 only. Open the link in the terminal.";
        return request.Headers.Origin is { Count: > 0 } origin && origin != $"{request.Scheme}://{request.Host.Value}"
            ? "This request comes from a page of another site. Nothing was done."
            : null;
    }

    private static bool IsLoopback(string host) =>
        host.Equals("localhost", StringComparison.OrdinalIgnoreCase) || host is "127.0.0.1" || (host is ['[', ..] && IPAddress.TryParse(host, out var address) && IPAddress.IPv6Loopback.Equals(address));
}
