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
    public const string NoNameAdvice = "Give the user or the token one of the claims preferred_username, sub, name, email or client_id.";

    // Issuers and applications must give each of these to one user only; OpenID Connect does not require it. See docs/standalone.md.
    private static readonly string[] _uniqueNames = ["preferred_username", ClaimTypes.Upn, "upn"];
    private static readonly string[] _emails = [ClaimTypes.Email, "email"];
    private static readonly string[] _ids = ["sub", ClaimTypes.NameIdentifier];
    private static readonly string[] _labels = ["name", .. _uniqueNames, .. _emails];
    private static readonly string[] _clients = ["client_id", "azp", "appid"];

    // ASP.NET Core binds a form to the first of these. Without one, it binds the form to all claims.
    private static readonly string[] _stable = ["sub", ClaimTypes.NameIdentifier, ClaimTypes.Upn];
    private static readonly string[] _changing = ["exp", "iat", "nbf", "jti"];

    /// <summary>
    /// The name of a user, which no other user has: a claim that only one user has, else the display name with the user's id. Null if there is no claim
    /// for it.
    /// </summary>
    public static string? NameOf(ClaimsPrincipal user)
    {
        if (user.Identity is { AuthenticationType: Api.ApiAccess.TokenIdentity, Name: { } token })
            return token;
        if (_uniqueNames.Select(type => First(user, [type])).Append(VerifiedEmail(user)).FirstOrDefault(name => name is not null && UserName.IsPlain(name)) is { } unique)
            return unique;
        var label = user.Identity?.Name is { } name && !string.IsNullOrWhiteSpace(name) ? name : First(user, _labels);
        return First(user, _ids) is { } id ? UserName.WithId(label, id)
            : label is not null ? UserName.Plain(label)
            : First(user, _clients) is { } client ? $"client {UserName.Plain(client)}" : null;
    }

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

    // Without that claim, the user may have typed any address.
    private static string? VerifiedEmail(ClaimsPrincipal user) =>
        string.Equals(user.FindFirst("email_verified")?.Value, "true", StringComparison.OrdinalIgnoreCase) ? First(user, _emails) : null;

    private static string? First(ClaimsPrincipal user, string[] types) =>
        types.Select(type => user.FindFirst(type)?.Value).FirstOrDefault(value => !string.IsNullOrWhiteSpace(value));
}
