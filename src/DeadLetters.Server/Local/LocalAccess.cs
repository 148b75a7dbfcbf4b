using System.Security.Claims;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authentication.Cookies;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using WorkinIt.DeadLetters.Dashboard;

namespace WorkinIt.DeadLetters.Server.Local;

/// <summary>
/// Who may use the pages: the browser that opened the link. The link's token is exchanged for a cookie once. The cookie's keys are in memory, so that
/// it is worth nothing when the server has ended.
/// </summary>
internal sealed class LocalAccess(AccessLink link, LocalServerOptions options)
{
    public const string Policy = "this browser";

    private const string Scheme = "Link";
    private const string Welcome = "/welcome";
    private static readonly TimeSpan _life = TimeSpan.FromDays(30); // the process usually ends earlier

    /// <summary>Adds the cookie and the policy.</summary>
    public void Add(IServiceCollection services)
    {
        services.AddAuthentication(Scheme).AddCookie(Scheme, cookie =>
        {
            cookie.Cookie.Name = "workinit";
            cookie.Cookie.HttpOnly = true;
            cookie.Cookie.SameSite = SameSiteMode.Strict;
            cookie.Cookie.SecurePolicy = CookieSecurePolicy.None; // loopback has no TLS
            cookie.ExpireTimeSpan = _life;
            cookie.Events.OnRedirectToLogin = context => RefuseAsync(context.HttpContext);
        });
        services.AddAuthorizationBuilder().AddPolicy(Policy, policy => policy.AddAuthenticationSchemes(Scheme).RequireAuthenticatedUser());
    }

    /// <summary>Maps the address of the link.</summary>
    public void Map(WebApplication app)
    {
        app.MapGet("/", (RequestDelegate)EnterAsync);
        app.MapGet(Welcome, (RequestDelegate)(http => PlainPage.WriteAsync(http, StatusCodes.Status200OK, "Dead letters", "The board opens.", LocalServer.Path)));
    }

    private async Task EnterAsync(HttpContext http)
    {
        if (http.Request.Query["token"] is not [{ Length: > 0 } token])
        {
            http.Response.Redirect(LocalServer.Path);
            return;
        }
        if (link.TryUse(token))
            await http.SignInAsync(Scheme, new ClaimsPrincipal(new ClaimsIdentity([new Claim("preferred_username", UserName.Plain(options.By)), new Claim(ClaimTypes.NameIdentifier, options.By)], Scheme)));
        else if (!(await http.AuthenticateAsync(Scheme)).Succeeded)
        {
            await RefuseAsync(http);
            return;
        }
        // Not straight to the board: if a page of another site showed the link, such as a terminal in a browser, the browser would not send the cookie yet.
        http.Response.Headers["Referrer-Policy"] = "no-referrer";
        http.Response.Headers.CacheControl = "no-store";
        http.Response.StatusCode = StatusCodes.Status303SeeOther;
        http.Response.Headers.Location = Welcome;
    }

    private async Task RefuseAsync(HttpContext http)
    {
        var address = new Uri($"{http.Request.Scheme}://{http.Request.Host.Value}"); // of this machine; a cookie of 127.0.0.1 is not sent to localhost
        if (HttpMethods.IsGet(http.Request.Method) && link.IsDue())
            await options.ShowLink(LocalServer.LinkOf(address, link.Token));
        await PlainPage.WriteAsync(http, StatusCodes.Status401Unauthorized, "This browser has no access", $"Each link works once. Look at the terminal where workinit runs: it shows a link for this browser, {address}?token=…");
    }
}
