using System.Security.Claims;
using Microsoft.AspNetCore.Authentication;

namespace Orders;

/// <summary>A sign-in without passwords, to try the sample. Anyone may choose any role: map it in development only, and use your own sign-in otherwise.</summary>
public static class DevelopmentSignIn
{
    public const string Path = "/sign-in";

    private const string Page = """
        <!doctype html>
        <html lang="en">
        <title>Orders: sign in</title>
        <h1>Sign in</h1>
        <form method="post" action="/sign-in/Sam/support"><button>Sam from support: views dead letters</button></form>
        <form method="post" action="/sign-in/Erin/engineer"><button>Erin, an engineer: also replays, edits and discards them</button></form>
        </html>
        """;

    /// <param name="routes">The application's endpoint routes.</param>
    /// <param name="next">The path of the page that is shown after a sign-in.</param>
    public static void MapDevelopmentSignIn(this IEndpointRouteBuilder routes, string next)
    {
        routes.MapGet(Path, () => Results.Content(Page, "text/html"));
        routes.MapPost(Path + "/{name}/{role}", async (string name, string role, HttpContext http) =>
        {
            Claim[] claims = [new(ClaimTypes.NameIdentifier, name), new(ClaimTypes.Name, name), new(ClaimTypes.Role, role)];
            await http.SignInAsync(new ClaimsPrincipal(new ClaimsIdentity(claims, "development")));
            return Results.Redirect(next);
        });
    }
}
