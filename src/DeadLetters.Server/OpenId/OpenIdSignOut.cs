using System.Data.Common;
using Microsoft.AspNetCore.Antiforgery;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authentication.OpenIdConnect;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using WorkinIt.SignIn;

namespace WorkinIt.DeadLetters.Server.OpenId;

/// <summary>The sign-out: ends the session here at all instances, then at the issuer.</summary>
internal static class OpenIdSignOut
{
    public const string CallbackPath = OperatorSignIn.SignOutPath + "/callback";

    private const string BackChannelPath = OperatorSignIn.SignOutPath + "/back-channel";
    private const string DonePath = OperatorSignIn.Path + "/signed-out";
    private const string Hint = "id_token_hint";
    private const string Again = $"""<p><a href="{OperatorSignIn.Path}">Sign in again</a></p>""";

    public static void Map(WebApplication app)
    {
        app.MapGet(DonePath, http => PlainPage.WriteAsync(http, StatusCodes.Status200OK, "You are signed out", "You can close this page.", html: Again));
        app.MapPost(BackChannelPath, http => http.RequestServices.GetRequiredService<BackChannelSignOut>().RunAsync(http));
    }

    /// <summary>Answers the form of the pages.</summary>
    public static async Task RunAsync(HttpContext http)
    {
        if (!await http.RequestServices.GetRequiredService<IAntiforgery>().IsRequestValidAsync(http))
        {
            http.Response.StatusCode = StatusCodes.Status400BadRequest;
            return;
        }
        var sessions = http.RequestServices.GetRequiredService<OpenIdSessions>();
        var (key, hint) = (OperatorSessionCheck.KeyOf(http.User), "");
        try
        {
            hint = key is not null && sessions.Find(key) is { } session ? sessions.TokensOf(session)?.Id ?? "" : "";
            if (key is not null)
                sessions.End(key);
        }
        catch (DbException)
        {
            OperatorSessionCheck.SetUnknown(http);
            http.Response.StatusCode = StatusCodes.Status503ServiceUnavailable;
            return;
        }
        await http.SignOutAsync(OperatorSignIn.Scheme);
        await ShowAsync(http, await AtIssuerAsync(http, hint));
    }

    /// <summary>Adds the ID token, so that the issuer does not have to ask who signs out.</summary>
    public static Task NameTheUserAsync(RedirectContext context)
    {
        if (context.Properties.GetParameter<string>(Hint) is { Length: > 0 } hint)
            context.ProtocolMessage.IdTokenHint = hint;
        return Task.CompletedTask;
    }

    private static Task ShowAsync(HttpContext http, string? next)
    {
        var issuer = http.RequestServices.GetRequiredService<OpenIdSettings>().Authority.Host;
        const string remedy = "Then anyone who uses this browser can sign in here as you, without a password. Sign out there too, or close all windows of this browser.";
        // A page that goes on automatically, not a redirect: the browser does not follow one from a form to another site. The address has the ID token.
        // A form to the issuer would hide it, but browsers do not send most cookies of the issuer with one (SameSite=Lax).
        return next is not null
            ? PlainPage.WriteAsync(http, StatusCodes.Status200OK, "You are signed out here", $"Next, the sign-in service ({issuer}) signs you out too. If its page does not open, you are still signed in there. {remedy}", next)
            : PlainPage.WriteAsync(http, StatusCodes.Status200OK, "You are signed out here", $"You may still be signed in at the sign-in service ({issuer}): it does not answer, or does not let this page sign you out. {remedy}", html: Again);
    }

    // The address at which the issuer ends its own session; null if it has none, or does not answer.
    private static async Task<string?> AtIssuerAsync(HttpContext http, string hint)
    {
        var properties = new AuthenticationProperties { RedirectUri = DonePath };
        properties.SetParameter(Hint, hint);
        try
        {
            await http.SignOutAsync(OpenIdSignIn.Scheme, properties);
        }
        catch (Exception e) when (e is InvalidOperationException or HttpRequestException or IOException)
        {
            return null;
        }
        var address = http.Response.Headers.Location.ToString();
        http.Response.Headers.Location = default;
        return address.Length > 0 ? address : null;
    }
}
