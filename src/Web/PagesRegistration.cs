using System.Data.Common;
using System.Text.Encodings.Web;
using System.Text.Unicode;
using Microsoft.AspNetCore.Diagnostics;
using Microsoft.Extensions.WebEncoders;
using WorkinIt.SignIn;
using WorkinIt.Web.Submissions;

namespace WorkinIt.Web;

/// <summary>The pages, and what all responses have in common: limits, errors, headers.</summary>
internal static class PagesRegistration
{
    // A valid submission (500 characters of four bytes each, percent-encoded, and an address) is under 8 KiB.
    private const long LargestBody = 32 * 1024;

    private const int LongestHost = 260; // a DNS name and a port

    public const string TooLarge = "A submission can have at most 32 KiB.";

    public static void AddPages(this WebApplicationBuilder builder)
    {
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Limits.MaxRequestBodySize = LargestBody;
            kestrel.Limits.RequestHeadersTimeout = TimeSpan.FromSeconds(10); // for slow bodies, Kestrel's own minimum rate applies
        });
        builder.Services.AddRazorPages();
        builder.Services.AddHsts(hsts => hsts.MaxAge = TimeSpan.FromDays(365));
        builder.Services.AddAntiforgery(forgery => forgery.Cookie.SecurePolicy = CookieSecurePolicy.SameAsRequest);
        builder.Services.AddProblemDetails(problems => problems.CustomizeProblemDetails = AddAdvice);
        builder.Services.Configure<WebEncoderOptions>(encoder => encoder.TextEncoderSettings = new TextEncoderSettings(UnicodeRanges.All));
    }

    public static void UsePages(this WebApplication app)
    {
        app.UseSecurityHeaders();
        app.Use(RefuseOddHosts);
        app.UseHsts(); // sends nothing on localhost or over plain HTTP
        app.UseWhen(IsApi, api => api.UseExceptionHandler(ExceptionOptions()).UseStatusCodePages());
        app.UseWhen(http => !IsApi(http), pages => pages
            .UseExceptionHandler(ExceptionOptions("/error/500"))
            .UseStatusCodePagesWithReExecute("/error/{0}"));
        app.Use(RefuseLargeBodies);
        app.UseRouting();
        if (app.Services.GetService<DeadLetterSettings>() is not null)
            app.UseAuthentication().UseAuthorization();
        app.UseAntiforgery();
        app.MapStaticAssets();
        app.MapRazorPages();
    }

    // A body that Kestrel rejects while reading it (too long, cut off) is the client's error, so it is not logged as ours.
    // A database that can't be read is usually back soon, so the client gets 503 and can retry.
    private static ExceptionHandlerOptions ExceptionOptions(string? page = null) => new()
    {
        ExceptionHandlingPath = page,
        StatusCodeSelector = static failure => failure switch
        {
            BadHttpRequestException bad => bad.StatusCode,
            DbException => StatusCodes.Status503ServiceUnavailable,
            _ => StatusCodes.Status500InternalServerError,
        },
        SuppressDiagnosticsCallback = static context => context.Exception is BadHttpRequestException,
    };

    private static void AddAdvice(ProblemDetailsContext problem)
    {
        problem.ProblemDetails.Detail ??= problem.ProblemDetails.Status switch
        {
            StatusCodes.Status413PayloadTooLarge => TooLarge,
            StatusCodes.Status415UnsupportedMediaType => SubmissionsApi.NotJson, // the routing answers before the API's code runs
            StatusCodes.Status503ServiceUnavailable => Unavailable.Reading,
            _ => null,
        };
        if (problem.ProblemDetails.Status == StatusCodes.Status503ServiceUnavailable)
            problem.HttpContext.Response.Headers.RetryAfter = Unavailable.RetryAfter;
    }

    // Requests by programs and by a page's script. They need problem details, not an HTML page.
    private static bool IsApi(HttpContext http) =>
        http.Request.Path.StartsWithSegments("/api", StringComparison.OrdinalIgnoreCase)
        || (http.Request.Path.StartsWithSegments("/submissions", StringComparison.OrdinalIgnoreCase) && http.Request.Path.Value!.EndsWith("/events", StringComparison.OrdinalIgnoreCase));

    // Kestrel accepts an empty host name, and one of any length, from which no link can be built. A load balancer's health check may send none.
    private static Task RefuseOddHosts(HttpContext http, RequestDelegate next)
    {
        if (http.Request.Host is { Value.Length: > 0 and <= LongestHost } || http.Request.Path.StartsWithSegments("/health", StringComparison.OrdinalIgnoreCase))
            return next(http);
        http.Response.StatusCode = StatusCodes.Status400BadRequest;
        return http.Response.WriteAsync("The Host header is empty or too long.", http.RequestAborted);
    }

    // Kestrel checks the size only when the body is read. The antiforgery check reads it, and would report a bad token.
    private static Task RefuseLargeBodies(HttpContext http, RequestDelegate next)
    {
        var isErrorPage = http.Features.Get<IStatusCodeReExecuteFeature>() is not null;
        if (http.Request.ContentLength is not > LargestBody || isErrorPage || TakesMore(http.Request.Path))
            return next(http);
        http.Response.StatusCode = StatusCodes.Status413PayloadTooLarge;
        return Task.CompletedTask;
    }

    // An edited message may be as large as any message. The dead-letter pages have their own limit, for signed-in users.
    private static bool TakesMore(PathString path) =>
        path.StartsWithSegments(OperatorSignIn.Path, StringComparison.OrdinalIgnoreCase) && !path.StartsWithSegments(OperatorSignIn.SignInPath, StringComparison.OrdinalIgnoreCase);
}
