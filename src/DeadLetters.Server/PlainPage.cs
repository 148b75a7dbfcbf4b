using System.Security.Cryptography;
using System.Text;
using System.Text.Encodings.Web;
using Microsoft.AspNetCore.Http;

namespace WorkinIt.DeadLetters.Server;

/// <summary>A page that needs nothing else from the server: a user who has no access yet sees it.</summary>
internal static class PlainPage
{
    private const string Style = "body{font:16px/1.5 system-ui,sans-serif;max-width:40rem;margin:15vh auto;padding:0 1rem;color-scheme:light dark}";

    // The style is allowed by its hash; nothing else is.
    private static readonly string _policy =
        $"default-src 'none'; style-src 'sha256-{Convert.ToBase64String(SHA256.HashData(Encoding.UTF8.GetBytes(Style)))}'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

    /// <summary>Writes the page. A browser does not keep it.</summary>
    /// <param name="http">The request.</param>
    /// <param name="status">The HTTP status.</param>
    /// <param name="heading">The heading.</param>
    /// <param name="text">What happened, and what to do.</param>
    /// <param name="next">An address to which the browser goes on at once; null: none.</param>
    /// <param name="html">More of the page, as HTML.</param>
    public static Task WriteAsync(HttpContext http, int status, string heading, string text, string? next = null, string html = "")
    {
        var headers = http.Response.Headers;
        http.Response.StatusCode = status;
        http.Response.ContentType = "text/html; charset=utf-8";
        headers.CacheControl = "no-store";
        headers.ContentSecurityPolicy = _policy;
        headers["Referrer-Policy"] = "same-origin";
        headers.XContentTypeOptions = "nosniff";
        var (title, body) = (HtmlEncoder.Default.Encode(heading), HtmlEncoder.Default.Encode(text));
        var to = HtmlEncoder.Default.Encode(next ?? "");
        var (refresh, link) = next is null ? ("", "") : ($"""<meta http-equiv="refresh" content="0; url={to}">""", $"""<p><a href="{to}">Continue</a></p>""");
        return http.Response.WriteAsync($"""
            <!DOCTYPE html>
            <html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">{refresh}<title>{title}</title><style>{Style}</style></head>
            <body><main><h1>{title}</h1><p>{body}</p>{link}{html}</main></body></html>
            """, http.RequestAborted);
    }
}
