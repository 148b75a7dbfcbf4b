using System.Security.Claims;
using Microsoft.AspNetCore.Antiforgery;
using Microsoft.AspNetCore.Http;

namespace WorkinIt.DeadLetters.Dashboard;

/// <summary>Who a user is, for the audit log and for the forms. The scheme of the application decides which claims there are.</summary>
internal static class SignedIn
{
    /// <summary>The explanation for a user without a name, who may view but not act.</summary>
    public const string NoName = "Your sign-in has no name, so the audit log could not record who did this.";

    /// <summary>What to do about it.</summary>
    public const string NoNameAdvice = "Give the user or the token one of the claims name, preferred_username, email, sub or client_id.";

    private static readonly string[] _names = ["name", "preferred_username", ClaimTypes.Upn, "upn", ClaimTypes.Email, "email", ClaimTypes.NameIdentifier, "sub"];
    private static readonly string[] _clients = ["client_id", "azp", "appid"];

    // ASP.NET Core binds a form to the first of these. Without one, it binds the form to all claims.
    private static readonly string[] _stable = ["sub", ClaimTypes.NameIdentifier, ClaimTypes.Upn];
    private static readonly string[] _changing = ["exp", "iat", "nbf", "jti"];

    /// <summary>The name of a user; null if no claim has one.</summary>
    public static string? NameOf(ClaimsPrincipal user) =>
        user.Identity?.Name is { Length: > 0 } name ? name
        : First(user, _names) ?? (First(user, _clients) is { } client ? $"client {client}" : null);

    /// <summary>Makes a form's token for the user.</summary>
    public static AntiforgeryTokenSet TokenFor(HttpContext http, IAntiforgery antiforgery)
    {
        var user = http.User;
        try
        {
            http.User = ForForms(user);
            return antiforgery.GetAndStoreTokens(http);
        }
        finally
        {
            http.User = user;
        }
    }

    /// <summary>Checks the token of a form.</summary>
    /// <exception cref="AntiforgeryValidationException">It is missing, expired, or another user's.</exception>
    public static async Task ValidateAsync(HttpContext http, IAntiforgery antiforgery)
    {
        var user = http.User;
        try
        {
            http.User = ForForms(user);
            await antiforgery.ValidateRequestAsync(http);
        }
        finally
        {
            http.User = user;
        }
    }

    // A token that is renewed every few minutes has other claims each time. A form of a user without sub would then have expired.
    private static ClaimsPrincipal ForForms(ClaimsPrincipal user) =>
        user.Identity is not { IsAuthenticated: true } identity || First(user, _stable) is not null || First(user, _changing) is null ? user
        : new ClaimsPrincipal(new ClaimsIdentity([new Claim(ClaimTypes.NameIdentifier, NameOf(user) ?? "")], identity.AuthenticationType));

    private static string? First(ClaimsPrincipal user, string[] types) =>
        types.Select(type => user.FindFirst(type)?.Value).FirstOrDefault(value => !string.IsNullOrWhiteSpace(value));
}
