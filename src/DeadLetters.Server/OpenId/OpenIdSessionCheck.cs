using System.Data.Common;
using System.Security.Claims;
using Microsoft.AspNetCore.Authentication.Cookies;
using Microsoft.AspNetCore.Http;
using WorkinIt.SignIn;

namespace WorkinIt.DeadLetters.Server.OpenId;

/// <summary>
/// Checks the session of a cookie on each request. A session lasts as long as the issuer's answer about the user. With a refresh token, the issuer is
/// asked again before that; without one, the user signs in again.
/// </summary>
internal sealed class OpenIdSessionCheck(OpenIdSessions sessions, OpenIdRenewal renewal, TimeProvider time)
{
    private const int Looks = 100;
    private static readonly TimeSpan _pause = TimeSpan.FromMilliseconds(100);

    /// <summary>A principal of a session.</summary>
    public static ClaimsPrincipal Person(string key, string subject, string name, bool mayOperate) => new(new ClaimsIdentity(
        [
            new Claim(ClaimTypes.NameIdentifier, subject), new Claim(ClaimTypes.Name, name), new Claim("preferred_username", name), new Claim(OperatorSessionCheck.SessionKey, key),
            .. mayOperate ? [new Claim(ClaimTypes.Role, OperatorSignIn.OperateRole)] : Array.Empty<Claim>(),
        ],
        OperatorSignIn.Scheme));

    public async Task ValidateAsync(CookieValidatePrincipalContext context)
    {
        try
        {
            if (await RightsNowAsync(context) is { } user)
                context.ReplacePrincipal(user);
            else
                context.RejectPrincipal();
        }
        catch (DbException)
        {
            OperatorSessionCheck.SetUnknown(context.HttpContext);
            context.RejectPrincipal();
        }
    }

    private async Task<ClaimsPrincipal?> RightsNowAsync(CookieValidatePrincipalContext context)
    {
        if (context.Principal is null || OperatorSessionCheck.KeyOf(context.Principal) is not { } key || sessions.Find(key) is not { } session)
            return null;
        var http = context.HttpContext;
        // Signing out needs no rights, and must work while the issuer is down.
        if (time.GetUtcNow() < session.RenewAt || http.Request.Path == OperatorSignIn.SignOutPath)
            return Person(session);
        if (sessions.TokensOf(session) is not { Refresh: not null } tokens)
        {
            sessions.End(key);
            return null;
        }
        return sessions.Reserve(session) is { } reservation ? await RenewAsync(http, reservation, tokens) : await WaitForRenewalAsync(http, session);
    }

    private async Task<ClaimsPrincipal?> RenewAsync(HttpContext http, OpenIdReservation reservation, OpenIdTokens tokens)
    {
        // Not the request's token: a browser that goes away meanwhile would lose a new refresh token.
        using var limit = new CancellationTokenSource(OpenIdRenewal.Longest, time);
        switch (await renewal.AskAsync(tokens, limit.Token))
        {
            case Renewal.Granted granted:
                return await GoOnAsync(http, reservation, granted, limit.Token);
            case Renewal.Unavailable:
                sessions.Release(reservation);
                return StillValid(http, reservation.Session);
            default:
                sessions.End(reservation.Session.Key);
                return null;
        }
    }

    private async Task<ClaimsPrincipal?> GoOnAsync(HttpContext http, OpenIdReservation reservation, Renewal.Granted granted, CancellationToken limit)
    {
        var session = reservation.Session;
        // First of all, because what follows may fail, and the earlier refresh token no longer works.
        if (!sessions.Keep(reservation, granted.Tokens))
            return Now(http, session.Key);
        if (await renewal.MayOperateAsync(session, granted.Answer, limit) is not { } mayOperate)
        {
            sessions.End(session.Key);
            return null;
        }
        return sessions.Renew(reservation, mayOperate, granted.ValidUntil) ? Person(session.Key, session.Subject, session.Name, mayOperate) : Now(http, session.Key);
    }

    // Another request renews the session, perhaps at another instance.
    private async Task<ClaimsPrincipal?> WaitForRenewalAsync(HttpContext http, OpenIdSession session)
    {
        for (var look = 0; look < Looks && time.GetUtcNow() >= session.ValidUntil; look++)
        {
            await Task.Delay(_pause, http.RequestAborted);
            if (sessions.Find(session.Key) is not { } now)
                return null;
            session = now;
        }
        return StillValid(http, session);
    }

    private ClaimsPrincipal? Now(HttpContext http, string key) => sessions.Find(key) is { } session ? StillValid(http, session) : null;

    private ClaimsPrincipal? StillValid(HttpContext http, OpenIdSession session)
    {
        if (time.GetUtcNow() < session.ValidUntil)
            return Person(session);
        OperatorSessionCheck.SetUnknown(http); // keep the session: the next request asks again
        return null;
    }

    private static ClaimsPrincipal Person(OpenIdSession session) => Person(session.Key, session.Subject, session.Name, session.MayOperate);
}
