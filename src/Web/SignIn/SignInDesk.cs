using System.Net;
using System.Security.Claims;
using System.Text;
using Refit;

namespace WorkinIt.Web.SignIn;

/// <summary>Lets in who RabbitMQ's management UI would let in.</summary>
internal sealed class SignInDesk(IManagementSignIn management, SignInLimit limit)
{
    private const int LongestName = 255; // RabbitMQ's
    private const int LongestPassword = 1024;

    // Any of these lets a user into the management UI, where they see the queues.
    private static readonly string[] _looking = ["administrator", "monitoring", "policymaker", "management"];

    /// <summary>Asks RabbitMQ. The password goes there and nowhere else.</summary>
    public async Task<SignInResult> SignInAsync(IPAddress? from, string name, string password, CancellationToken cancellationToken)
    {
        var known = name.Length is > 0 and <= LongestName && !name.Contains(':', StringComparison.Ordinal) && password.Length is > 0 and <= LongestPassword;
        if (limit.Try(from, known ? name : "") is { } wait)
            return new SignInResult.TooOften(wait);
        if (!known)
            return new SignInResult.Refused();
        var basic = "Basic " + Convert.ToBase64String(Encoding.UTF8.GetBytes($"{name}:{password}"));
        try
        {
            using var answer = await management.WhoAmIAsync(basic, cancellationToken);
            return answer switch
            {
                { StatusCode: HttpStatusCode.Unauthorized or HttpStatusCode.Forbidden } => new SignInResult.Refused(),
                { IsSuccessStatusCode: true, Content: { } user } => LetIn(user),
                _ => new SignInResult.OutOfReach(),
            };
        }
        catch (Exception e) when (e is HttpRequestException or ApiException || (e is OperationCanceledException && !cancellationToken.IsCancellationRequested))
        {
            return new SignInResult.OutOfReach();
        }
    }

    private static SignInResult LetIn(ManagementUser user)
    {
        var tags = user.TagNames.ToArray();
        if (!tags.Intersect(_looking).Any())
            return new SignInResult.Refused();
        var claims = tags.Where(_looking.Contains).Select(tag => new Claim(ClaimTypes.Role, tag));
        return new SignInResult.Welcome(new ClaimsPrincipal(new ClaimsIdentity(
            [new Claim(ClaimTypes.NameIdentifier, user.Name), new Claim(ClaimTypes.Name, user.Name), .. claims], OperatorSignIn.Scheme)));
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
