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

    public static void Map(WebApplication app)
    {
        app.MapGet(DonePath, http => PlainPage.WriteAsync(http, StatusCodes.Status200OK, "You are signed out", "You can close this page.", html: $"""<p><a href="{OperatorSignIn.Path}">Sign in again</a></p>"""));
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
        var next = await AtIssuerAsync(http, hint) ?? DonePath;
        // A page that goes on by itself, not a redirect: the browser does not follow one from a form to another site.
        await PlainPage.WriteAsync(http, StatusCodes.Status200OK, "You are signed out", "You are now signed out of the sign-in service too.", next);
    }

    /// <summary>Adds the ID token, so that the issuer does not have to ask who signs out.</summary>
    public static Task NameTheUserAsync(RedirectContext context)
    {
        if (context.Properties.GetParameter<string>(Hint) is { Length: > 0 } hint)
            context.ProtocolMessage.IdTokenHint = hint;
        return Task.CompletedTask;
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
