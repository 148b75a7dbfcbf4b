using System.Text.Json;
using System.Text.Json.Serialization;
using Refit;

namespace WorkinIt.SignIn;

/// <summary>The request to RabbitMQ's management API that checks a user's login. Source: rabbitmq.com/docs/http-api-reference.</summary>
internal interface IManagementSignIn
{
    /// <summary>200 for a user whose tag allows access to the management API; 401 for any other login.</summary>
    /// <param name="authorization">The value of the <c>Authorization</c> header, Basic.</param>
    /// <param name="cancellationToken">Cancels the operation.</param>
    [Get("/api/whoami")]
    Task<ApiResponse<ManagementUser>> WhoAmIAsync([Header("Authorization")] string authorization, CancellationToken cancellationToken);
}

/// <summary>A RabbitMQ user.</summary>
/// <param name="Name">The name.</param>
/// <param name="Tags">The tags: an array; up to RabbitMQ 3.8 a comma-separated string.</param>
internal sealed record ManagementUser([property: JsonPropertyName("name")] string Name, [property: JsonPropertyName("tags")] JsonElement Tags)
{
    public IEnumerable<string> TagNames => Tags.ValueKind switch
    {
        JsonValueKind.Array => Tags.EnumerateArray().Select(tag => tag.ToString()),
        JsonValueKind.String => Tags.GetString()!.Split(',', StringSplitOptions.TrimEntries),
        _ => [],
    };
}
