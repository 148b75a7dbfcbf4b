using System.Data.Common;
using System.Security.Claims;
using Microsoft.AspNetCore.Authentication.Cookies;

namespace WorkinIt.Web.SignIn;

/// <summary>
/// What a cookie is worth now. RabbitMQ is asked again at each act, and while somebody looks as often as their rights may be old at most:
/// a user that was deleted, lost the tag or got another password acts no more.
/// </summary>
internal sealed class OperatorSessionCheck(OperatorSessions sessions, OperatorRights rights, TimeProvider time)
{
    private const string SessionKey = "session";
    private static readonly TimeSpan _askAgain = TimeSpan.FromSeconds(30); // a minute is promised
    private static readonly object _unknown = new();

    /// <summary>A person with the rights that RabbitMQ gave at the last answer.</summary>
    public static ClaimsPrincipal Person(string key, string name, IEnumerable<string> tags) => new(new ClaimsIdentity(
        [
            new Claim(ClaimTypes.NameIdentifier, name), new Claim(ClaimTypes.Name, name), new Claim(SessionKey, key),
            .. tags.Select(tag => new Claim(ClaimTypes.Role, tag)),
        ],
        OperatorSignIn.Scheme));

    /// <summary>The key of the person's session; null where nobody is signed in.</summary>
    public static string? KeyOf(ClaimsPrincipal person) => person.FindFirst(SessionKey)?.Value;

    /// <summary>Whether nobody could say what the person may do: the management API or the database did not answer.</summary>
    public static bool IsUnknown(HttpContext http) => http.Items.ContainsKey(_unknown);

    public async Task ValidateAsync(CookieValidatePrincipalContext context)
    {
        try
        {
            if (await RightsNowAsync(context) is { } person)
                context.ReplacePrincipal(person);
            else
                context.RejectPrincipal();
        }
        catch (DbException)
        {
            context.HttpContext.Items[_unknown] = true;
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
                context.HttpContext.Items[_unknown] = true; // the session stays: the next request asks again
                return null;
        }
    }

    // To sign out nobody needs a right, and it must work while the broker is down.
    private bool MustAsk(HttpRequest request, OperatorSession session) =>
        request.Path != OperatorSignIn.SignOutPath
        && (!(HttpMethods.IsGet(request.Method) || HttpMethods.IsHead(request.Method)) || time.GetUtcNow() - session.AskedAt >= _askAgain);
}
