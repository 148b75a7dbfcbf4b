using System.Net;
using System.Text;
using Refit;

namespace WorkinIt.SignIn;

/// <summary>Asks RabbitMQ which tags a user has. The password is sent to RabbitMQ only.</summary>
internal sealed class RabbitMqUserTags(IManagementSignIn management)
{
    // Each of these tags lets a user into the management UI, where they can see the queues.
    private static readonly string[] _viewTags = ["administrator", "monitoring", "policymaker", "management"];

    public async Task<RightsAnswer> FindAsync(string name, string password, CancellationToken cancellationToken)
    {
        var basic = "Basic " + Convert.ToBase64String(Encoding.UTF8.GetBytes($"{name}:{password}"));
        try
        {
            using var answer = await management.WhoAmIAsync(basic, cancellationToken);
            return answer switch
            {
                { StatusCode: HttpStatusCode.Unauthorized or HttpStatusCode.Forbidden } => new RightsAnswer.Refused(),
                { IsSuccessStatusCode: true, Content: { } user } => Read(user),
                _ => new RightsAnswer.Unavailable(),
            };
        }
        catch (Exception e) when (e is HttpRequestException or ApiException || (e is OperationCanceledException && !cancellationToken.IsCancellationRequested))
        {
            return new RightsAnswer.Unavailable();
        }
    }

    private static RightsAnswer Read(ManagementUser user)
    {
        var tags = user.TagNames.Intersect(_viewTags).ToArray();
        return tags.Length == 0 ? new RightsAnswer.Refused() : new RightsAnswer.Granted(user.Name, tags);
    }
}

/// <summary>RabbitMQ's answer about a user.</summary>
internal abstract record RightsAnswer
{
    /// <summary>The user exists, the password is right, and a tag allows viewing.</summary>
    internal sealed record Granted(string Name, IReadOnlyList<string> Tags) : RightsAnswer;

    /// <summary>Wrong name or password, or no tag.</summary>
    internal sealed record Refused : RightsAnswer;

    /// <summary>The management API does not answer.</summary>
    internal sealed record Unavailable : RightsAnswer;
}
