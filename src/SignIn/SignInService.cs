using System.Net;
using System.Security.Claims;

namespace WorkinIt.SignIn;

/// <summary>Signs in the users that RabbitMQ's management UI accepts.</summary>
internal sealed class SignInService(RabbitMqUserTags rights, OperatorSessions sessions, SignInLimit limit)
{
    private const int LongestName = 255; // RabbitMQ's limit
    private const int LongestPassword = 1024;

    /// <summary>Checks the login with RabbitMQ, and starts a session.</summary>
    public async Task<SignInResult> SignInAsync(IPAddress? from, string name, string password, CancellationToken cancellationToken)
    {
        var isValid = name.Length is > 0 and <= LongestName && !name.Contains(':', StringComparison.Ordinal) && password.Length is > 0 and <= LongestPassword;
        if (limit.Try(from, isValid ? name : "") is { } wait)
            return new SignInResult.TooOften(wait);
        if (!isValid)
            return new SignInResult.Refused();
        switch (await rights.FindAsync(name, password, cancellationToken))
        {
            case RightsAnswer.Granted(var user, var tags):
                return new SignInResult.Welcome(OperatorSessionCheck.Person(sessions.Begin(user, tags, password), user, tags));
            case RightsAnswer.Refused:
                limit.Wrong(name);
                return new SignInResult.Refused();
            default:
                return new SignInResult.Unreachable();
        }
    }
}

/// <summary>The result of a sign-in attempt.</summary>
internal abstract record SignInResult
{
    internal sealed record Welcome(ClaimsPrincipal Person) : SignInResult;

    internal sealed record Refused : SignInResult;

    internal sealed record TooOften(TimeSpan Wait) : SignInResult;

    internal sealed record Unreachable : SignInResult;
}
