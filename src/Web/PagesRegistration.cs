using System.Data.Common;
using System.Text.Encodings.Web;
using System.Text.Unicode;
using Microsoft.AspNetCore.Diagnostics;
using Microsoft.Extensions.WebEncoders;
using WorkinIt.Web.SignIn;
using WorkinIt.Web.Submissions;

namespace WorkinIt.Web;

/// <summary>The pages, and what every answer has in common: limits, errors, headers.</summary>
internal static class PagesRegistration
{
    // 500 characters of four bytes each, percent-encoded, and an address: under 8 KiB. Nothing legal is larger than this.
    private const long LargestBody = 32 * 1024;

    private const int LongestHost = 260; // a name of the DNS, and a port

    public const string TooLarge = "A submission has 32 KiB at most.";

    public static void AddPages(this WebApplicationBuilder builder)
    {
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Limits.MaxRequestBodySize = LargestBody;
            kestrel.Limits.RequestHeadersTimeout = TimeSpan.FromSeconds(10); // a body that trickles is cut off by Kestrel's own limit
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
        app.UseHsts(); // says nothing on localhost, and nothing by HTTP
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

    // What Kestrel finds wrong with a body while it is read (too long, cut off) is the sender's fault, and no error of ours to log.
    // A database that can't be read is away for a while: what was asked for may be asked for again.
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
            StatusCodes.Status415UnsupportedMediaType => SubmissionsApi.NotJson, // said by the routing, before the API is asked
            StatusCodes.Status503ServiceUnavailable => Unavailable.Reading,
            _ => null,
        };
        if (problem.ProblemDetails.Status == StatusCodes.Status503ServiceUnavailable)
            problem.HttpContext.Response.Headers.RetryAfter = Unavailable.RetryAfter;
    }

    // What programs ask, and a page's script: they can't read a page.
    private static bool IsApi(HttpContext http) =>
        http.Request.Path.StartsWithSegments("/api", StringComparison.OrdinalIgnoreCase)
        || (http.Request.Path.StartsWithSegments("/submissions", StringComparison.OrdinalIgnoreCase) && http.Request.Path.Value!.EndsWith("/events", StringComparison.OrdinalIgnoreCase));

    // Kestrel lets an empty name pass, and one of any length: no page or link can be made of it. A load balancer's health check may have none.
    private static Task RefuseOddHosts(HttpContext http, RequestDelegate next)
    {
        if (http.Request.Host is { Value.Length: > 0 and <= LongestHost } || http.Request.Path.StartsWithSegments("/health", StringComparison.OrdinalIgnoreCase))
            return next(http);
        http.Response.StatusCode = StatusCodes.Status400BadRequest;
        return http.Response.WriteAsync("The Host header is empty or too long.", http.RequestAborted);
    }

    // Kestrel would say so only when the body is read, which the antiforgery check does, and reports as a bad token.
    private static Task RefuseLargeBodies(HttpContext http, RequestDelegate next)
    {
        var isErrorPage = http.Features.Get<IStatusCodeReExecuteFeature>() is not null;
        if (http.Request.ContentLength is not > LargestBody || isErrorPage || TakesMore(http.Request.Path))
            return next(http);
        http.Response.StatusCode = StatusCodes.Status413PayloadTooLarge;
        return Task.CompletedTask;
    }

    // An edited message may be as large as messages are: those pages have a limit of their own, for who is signed in.
    private static bool TakesMore(PathString path) =>
        path.StartsWithSegments(OperatorSignIn.Path, StringComparison.OrdinalIgnoreCase) && !path.StartsWithSegments(OperatorSignIn.SignInPath, StringComparison.OrdinalIgnoreCase);
}
