using System.Security.Claims;
using WorkinIt.DeadLetters.Dashboard;

namespace WorkinIt.DeadLetters.Server.OpenId;

/// <summary>What the issuer says of a user.</summary>
/// <param name="Subject">The user's id at the issuer; never changes.</param>
/// <param name="Name">The user's name, for the audit log. No other user has it, and it has no parentheses, except those around the id at its end.</param>
/// <param name="IssuerSession">The id of the user's session at the issuer; empty if the issuer gives none.</param>
/// <param name="MayView">Whether a group of the user may view.</param>
/// <param name="MayOperate">Whether a group of the user may act.</param>
internal sealed record OpenIdUser(string Subject, string Name, string IssuerSession, bool MayView, bool MayOperate)
{
    /// <summary>The claims that make the name.</summary>
    public static readonly string[] NameClaims = ["preferred_username", "upn", "email", EmailVerified, "name"];

    private const string EmailVerified = "email_verified";

    /// <summary>Reads the claims of an ID token and of the user-info endpoint.</summary>
    public static OpenIdUser Of(IEnumerable<Claim> claims, OpenIdSettings settings)
    {
        var all = claims.Where(claim => !string.IsNullOrWhiteSpace(claim.Value)).ToLookup(claim => claim.Type, claim => claim.Value);
        var groups = all[settings.GroupsClaim].ToHashSet(StringComparer.Ordinal);
        var mayOperate = groups.Overlaps(settings.OperateGroups);
        var subject = all["sub"].First();
        return new OpenIdUser(
            subject, UniqueName(all) ?? UserName.WithId(all["name"].FirstOrDefault(), subject), all["sid"].FirstOrDefault() ?? "", mayOperate || groups.Overlaps(settings.ViewGroups), mayOperate);
    }

    // The audit log and the ownership of edits go by the name, so only what the issuer gives to one user counts.
    private static string? UniqueName(ILookup<string, string> claims)
    {
        var isTyped = string.Equals(claims[EmailVerified].FirstOrDefault(), "false", StringComparison.OrdinalIgnoreCase); // the user may have typed any address
        string?[] names = [claims["preferred_username"].FirstOrDefault(), claims["upn"].FirstOrDefault(), isTyped ? null : claims["email"].FirstOrDefault()];
        return Array.Find(names, name => name is not null && UserName.IsPlain(name));
    }
}

/// <summary>The tokens of a user that the server needs again. They never reach the browser, except the ID token at sign-out.</summary>
/// <param name="Id">The ID token, a hint for the issuer at sign-out.</param>
/// <param name="Refresh">The refresh token; null if the issuer gave none.</param>
internal sealed record OpenIdTokens(string? Id, string? Refresh);
