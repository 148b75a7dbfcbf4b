using System.Text.Json;
using System.Text.Json.Serialization;
using Refit;

namespace WorkinIt.Web.SignIn;

/// <summary>What we ask of RabbitMQ's management API about a person. Source: rabbitmq.com/docs/http-api-reference.</summary>
internal interface IManagementSignIn
{
    /// <summary>200 for a user with a tag that lets them in there; 401 for anybody else.</summary>
    /// <param name="authorization">Basic.</param>
    /// <param name="cancellationToken">Ends it.</param>
    [Get("/api/whoami")]
    Task<ApiResponse<ManagementUser>> WhoAmIAsync([Header("Authorization")] string authorization, CancellationToken cancellationToken);
}

/// <summary>A RabbitMQ user.</summary>
/// <param name="Name">The name.</param>
/// <param name="Tags">A list; up to RabbitMQ 3.8 a string with commas.</param>
internal sealed record ManagementUser([property: JsonPropertyName("name")] string Name, [property: JsonPropertyName("tags")] JsonElement Tags)
{
    public IEnumerable<string> TagNames => Tags.ValueKind switch
    {
        JsonValueKind.Array => Tags.EnumerateArray().Select(tag => tag.ToString()),
        JsonValueKind.String => Tags.GetString()!.Split(',', StringSplitOptions.TrimEntries),
        _ => [],
    };
}
