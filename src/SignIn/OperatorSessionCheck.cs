using System.Data.Common;
using System.Security.Claims;
using Microsoft.AspNetCore.Authentication.Cookies;
using WorkinIt.DeadLetters.Dashboard;

namespace WorkinIt.SignIn;

/// <summary>
/// Checks the session of a cookie on each request. RabbitMQ is asked again for each action, and for a view if the last answer is 30 s old.
/// So a user that was deleted, lost the tag or got another password can't act any more.
/// </summary>
internal sealed class OperatorSessionCheck(OperatorSessions sessions, RabbitMqUserTags rights, TimeProvider time)
{
    /// <summary>The claim that holds the key of the user's session.</summary>
    public const string SessionKey = "session";

    private static readonly TimeSpan _askAgain = TimeSpan.FromSeconds(30); // well under the promised minute

    /// <summary>A principal with the tags from RabbitMQ's last answer.</summary>
    public static ClaimsPrincipal Person(string key, string name, IEnumerable<string> tags) => new(new ClaimsIdentity(
        [
            new Claim(ClaimTypes.NameIdentifier, name), new Claim(ClaimTypes.Name, name), new Claim(SessionKey, key),
            .. tags.Select(tag => new Claim(ClaimTypes.Role, tag)),
        ],
        OperatorSignIn.Scheme));

    /// <summary>The key of the user's session; null if nobody is signed in.</summary>
    public static string? KeyOf(ClaimsPrincipal user) => user.FindFirst(SessionKey)?.Value;

    /// <summary>Whether the user's rights could not be checked, because the management API, the issuer or the database did not answer.</summary>
    public static bool IsUnknown(HttpContext http) => http.Items.ContainsKey(DashboardOptions.UserNotChecked);

    /// <summary>Records that the user's rights could not be checked. The session is kept.</summary>
    public static void SetUnknown(HttpContext http) => http.Items[DashboardOptions.UserNotChecked] = true;

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
            SetUnknown(context.HttpContext);
            context.RejectPrincipal();
        }
    }

    private async Task<ClaimsPrincipal?> RightsNowAsync(CookieValidatePrincipalContext context)
    {
        if (context.Principal is null || KeyOf(context.Principal) is not { } key || sessions.Find(key) is not { } session)
            return null;
        if (!MustAsk(context.HttpContext.Request, session))
            return Person(key, session.Name, session.Tags);
        var answer = sessions.PasswordOf(session) is { } password
            ? await rights.FindAsync(session.Name, password, context.HttpContext.RequestAborted)
            : new RightsAnswer.Refused();
        switch (answer)
        {
            case RightsAnswer.Granted(_, var tags):
                sessions.Confirm(session, tags);
                return Person(key, session.Name, tags);
            case RightsAnswer.Refused:
                sessions.Refuse(session);
                return null;
            default:
                SetUnknown(context.HttpContext); // keep the session: the next request asks again
                return null;
        }
    }

    // Signing out needs no rights, and must work while the broker is down.
    private bool MustAsk(HttpRequest request, OperatorSession session) =>
        request.Path != OperatorSignIn.SignOutPath
        && (!(HttpMethods.IsGet(request.Method) || HttpMethods.IsHead(request.Method)) || time.GetUtcNow() - session.AskedAt >= _askAgain);
}
