using System.Globalization;
using System.Text.Encodings.Web;
using Microsoft.AspNetCore.Antiforgery;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.Extensions.DependencyInjection;
using WorkinIt.SignIn;
using SignInResult = WorkinIt.SignIn.SignInResult;

namespace WorkinIt.DeadLetters.Server;

/// <summary>The page where a RabbitMQ user signs in.</summary>
internal static class SignInPage
{
    private const int LargestBody = 16 * 1024;

    public static void Map(WebApplication app)
    {
        app.MapGet(OperatorSignIn.SignInPath, (RequestDelegate)(http => ShowAsync(http, StatusCodes.Status200OK, null, "")));
        app.MapPost(OperatorSignIn.SignInPath, (RequestDelegate)EnterAsync);
    }

    private static async Task EnterAsync(HttpContext http)
    {
        if (http.Request.ContentLength is not <= LargestBody || !await http.RequestServices.GetRequiredService<IAntiforgery>().IsRequestValidAsync(http))
        {
            await ShowAsync(http, StatusCodes.Status400BadRequest, "This form was open for too long, or was not sent from this site. Sign in again.", "");
            return;
        }
        var form = await http.Request.ReadFormAsync(http.RequestAborted);
        var name = form["username"].ToString();
        var result = await http.RequestServices.GetRequiredService<SignInService>().SignInAsync(http.Connection.RemoteIpAddress, name, form["password"].ToString(), http.RequestAborted);
        switch (result)
        {
            case SignInResult.Welcome(var user):
                await http.SignInAsync(OperatorSignIn.Scheme, user);
                http.Response.StatusCode = StatusCodes.Status303SeeOther;
                http.Response.Headers.Location = ReturnUrl(http) ?? OperatorSignIn.Path;
                break;
            case SignInResult.TooOften(var wait):
                var seconds = Math.Max(1, (int)Math.Ceiling(wait.TotalSeconds));
                http.Response.Headers.RetryAfter = seconds.ToString(CultureInfo.InvariantCulture);
                await ShowAsync(http, StatusCodes.Status429TooManyRequests, $"Too many attempts. Wait {seconds} seconds, then try again.", name);
                break;
            case SignInResult.Unreachable:
                http.Response.Headers.RetryAfter = "10";
                await ShowAsync(http, StatusCodes.Status503ServiceUnavailable, "RabbitMQ’s management API does not answer, so you can’t sign in now. Check that the broker is running, then try again.", name);
                break;
            default:
                await ShowAsync(http, StatusCodes.Status401Unauthorized, "Wrong RabbitMQ user or password, or the user has no tag that allows access (management or administrator).", name);
                break;
        }
    }

    /// <summary>The page to open after the sign-in: only a path of this site, so that a link can't lead a user who signs in to another one. Null: none.</summary>
    public static string? ReturnUrl(HttpContext http) =>
        http.Request.Query["returnUrl"].ToString() is { Length: > 1 } back && back.StartsWith(OperatorSignIn.Path, StringComparison.Ordinal) && !back.Any(char.IsControl) && !back.Contains('\\', StringComparison.Ordinal) ? back : null;

    private static Task ShowAsync(HttpContext http, int status, string? error, string name)
    {
        var token = http.RequestServices.GetRequiredService<IAntiforgery>().GetAndStoreTokens(http);
        var (encode, action) = (HtmlEncoder.Default, OperatorSignIn.SignInPath + (ReturnUrl(http) is { } back ? $"?returnUrl={Uri.EscapeDataString(back)}" : ""));
        return PlainPage.WriteAsync(http, status, "Dead letters", "Sign in with your RabbitMQ user. The tag management lets you view dead letters, administrator also lets you replay, edit and discard them.", html: $"""
            {(error is null ? "" : $"""<p role="alert" id="error"><strong>{encode.Encode(error)}</strong></p>""")}
            <form method="post" action="{encode.Encode(action)}">
            <input type="hidden" name="{encode.Encode(token.FormFieldName)}" value="{encode.Encode(token.RequestToken!)}">
            <p><label for="username">RabbitMQ user</label><br><input id="username" name="username" autocomplete="username" spellcheck="false" autocapitalize="off" required maxlength="255" value="{encode.Encode(name)}"></p>
            <p><label for="password">Password</label><br><input id="password" name="password" type="password" autocomplete="current-password" required maxlength="1024"></p>
            <p><button type="submit">Sign in</button></p>
            </form>
            """);
    }
}
