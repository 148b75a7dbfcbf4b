using System.Security.Claims;

namespace WorkinIt.DeadLetters.Server.OpenId;

/// <summary>What the issuer says of a user.</summary>
/// <param name="Subject">The user's id at the issuer; never changes.</param>
/// <param name="Name">The user's name, for the audit log.</param>
/// <param name="IssuerSession">The id of the user's session at the issuer; empty if the issuer gives none.</param>
/// <param name="MayView">Whether a group of the user may view.</param>
/// <param name="MayOperate">Whether a group of the user may act.</param>
internal sealed record OpenIdUser(string Subject, string Name, string IssuerSession, bool MayView, bool MayOperate)
{
    private const int LongestName = 255;

    private static readonly string[] _names = ["name", "preferred_username", "upn", "email", "sub"];

    /// <summary>Reads the claims of an ID token and of the user-info endpoint.</summary>
    public static OpenIdUser Of(IEnumerable<Claim> claims, OpenIdSettings settings)
    {
        var all = claims.Where(claim => !string.IsNullOrWhiteSpace(claim.Value)).ToLookup(claim => claim.Type, claim => claim.Value);
        var groups = all[settings.GroupsClaim].ToHashSet(StringComparer.Ordinal);
        var name = _names.Select(type => all[type].FirstOrDefault()).First(value => value is not null)!;
        var mayOperate = groups.Overlaps(settings.OperateGroups);
        return new OpenIdUser(
            all["sub"].First(), name.Length > LongestName ? name[..LongestName] : name, all["sid"].FirstOrDefault() ?? "", mayOperate || groups.Overlaps(settings.ViewGroups), mayOperate);
    }
}

/// <summary>The tokens of a user that the server needs again. They never reach the browser, except the ID token at sign-out.</summary>
/// <param name="Id">The ID token, a hint for the issuer at sign-out.</param>
/// <param name="Refresh">The refresh token; null if the issuer gave none.</param>
internal sealed record OpenIdTokens(string? Id, string? Refresh);
