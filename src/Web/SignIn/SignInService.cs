using System.Net;
using System.Security.Claims;

namespace WorkinIt.Web.SignIn;

/// <summary>Lets in who RabbitMQ's management UI would let in.</summary>
internal sealed class SignInService(OperatorRights rights, OperatorSessions sessions, SignInLimit limit)
{
    private const int LongestName = 255; // RabbitMQ's
    private const int LongestPassword = 1024;

    /// <summary>Asks RabbitMQ, and begins a session.</summary>
    public async Task<SignInResult> SignInAsync(IPAddress? from, string name, string password, CancellationToken cancellationToken)
    {
        var known = name.Length is > 0 and <= LongestName && !name.Contains(':', StringComparison.Ordinal) && password.Length is > 0 and <= LongestPassword;
        if (limit.Try(from, known ? name : "") is { } wait)
            return new SignInResult.TooOften(wait);
        if (!known)
            return new SignInResult.Refused();
        switch (await rights.FindAsync(name, password, cancellationToken))
        {
            case RightsAnswer.Granted(var user, var tags):
                return new SignInResult.Welcome(OperatorSessionCheck.Person(sessions.Begin(user, tags, password), user, tags));
            case RightsAnswer.Refused:
                limit.Wrong(name);
                return new SignInResult.Refused();
            default:
                return new SignInResult.OutOfReach();
        }
    }
}

/// <summary>What came of an attempt.</summary>
internal abstract record SignInResult
{
    internal sealed record Welcome(ClaimsPrincipal Person) : SignInResult;

    internal sealed record Refused : SignInResult;

    internal sealed record TooOften(TimeSpan Wait) : SignInResult;

    internal sealed record OutOfReach : SignInResult;
}
