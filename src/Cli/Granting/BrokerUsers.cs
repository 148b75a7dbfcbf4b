using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using WorkinIt.DeadLetters;

namespace WorkinIt.Cli.Granting;

/// <summary>The users of a broker, through RabbitMQ's management API. Source: rabbitmq.com/docs/http-api-reference.</summary>
/// <param name="options">The connection of an administrator.</param>
internal sealed class BrokerUsers(DeadLetterOptions options) : IDisposable
{
    private readonly HttpClient _http = ManagementClient.Connect(options);

    /// <summary>Checks that the connection's user may administer users.</summary>
    /// <exception cref="DeadLetterException">It may not, or the API does not answer.</exception>
    public async Task CheckAdministratorAsync(CancellationToken cancellationToken)
    {
        using var answer = await SendAsync(HttpMethod.Get, "whoami", null, cancellationToken);
        if (answer is null || !TagsOf(answer.RootElement).Contains("administrator"))
            throw NotAdministrator();
    }

    /// <summary>Whether a virtual host exists.</summary>
    /// <exception cref="DeadLetterException">The API does not answer, or refuses the request.</exception>
    public async Task<bool> HasVirtualHostAsync(string name, CancellationToken cancellationToken)
    {
        using var answer = await SendAsync(HttpMethod.Get, $"vhosts/{Segment(name)}", null, cancellationToken);
        return answer is not null;
    }

    /// <summary>The rights of a user in a virtual host; null if there is no such user.</summary>
    /// <exception cref="DeadLetterException">The API does not answer, or refuses the request.</exception>
    public async Task<UserRights?> FindAsync(string user, string virtualHost, CancellationToken cancellationToken)
    {
        using var found = await SendAsync(HttpMethod.Get, $"users/{Segment(user)}", null, cancellationToken);
        if (found is null)
            return null;
        var rights = UserRights.None with { Tags = TagsOf(found.RootElement) };
        using var permissions = await SendAsync(HttpMethod.Get, $"permissions/{Segment(virtualHost)}/{Segment(user)}", null, cancellationToken);
        return permissions is null ? rights : rights with
        {
            Configure = Text(permissions.RootElement, "configure"),
            Write = Text(permissions.RootElement, "write"),
            Read = Text(permissions.RootElement, "read"),
        };
    }

    /// <summary>Creates a user.</summary>
    /// <exception cref="DeadLetterException">The API does not answer, or refuses the request.</exception>
    public async Task CreateAsync(string user, string password, IEnumerable<string> tags, CancellationToken cancellationToken)
    {
        using var _ = await SendAsync(HttpMethod.Put, $"users/{Segment(user)}", new { password, tags = string.Join(',', tags) }, cancellationToken);
    }

    /// <summary>Replaces the tags of a user. Its password stays.</summary>
    /// <exception cref="DeadLetterException">The API does not answer, or refuses the request.</exception>
    public async Task SetTagsAsync(string user, IEnumerable<string> tags, CancellationToken cancellationToken)
    {
        using var found = await SendAsync(HttpMethod.Get, $"users/{Segment(user)}", null, cancellationToken)
            ?? throw new DeadLetterException(DeadLetterProblem.Refused, $"The RabbitMQ user {user} was deleted: run the command again");
        // Without a password hash, the broker would remove the password.
        using var _ = await SendAsync(
            HttpMethod.Put, $"users/{Segment(user)}",
            new { password_hash = Text(found.RootElement, "password_hash"), hashing_algorithm = Text(found.RootElement, "hashing_algorithm"), tags = string.Join(',', tags) }, cancellationToken);
    }

    /// <summary>Replaces the permissions of a user in a virtual host.</summary>
    /// <exception cref="DeadLetterException">The API does not answer, or refuses the request.</exception>
    public async Task SetPermissionsAsync(string user, string virtualHost, UserRights rights, CancellationToken cancellationToken)
    {
        using var _ = await SendAsync(
            HttpMethod.Put, $"permissions/{Segment(virtualHost)}/{Segment(user)}", new { configure = rights.Configure, write = rights.Write, read = rights.Read }, cancellationToken);
    }

    public void Dispose() => _http.Dispose();

    // Null: not found.
    private async Task<JsonDocument?> SendAsync(HttpMethod method, string path, object? content, CancellationToken cancellationToken)
    {
        using var request = new HttpRequestMessage(method, $"api/{path}") { Content = content is null ? null : JsonContent.Create(content) };
        try
        {
            using var response = await _http.SendAsync(request, cancellationToken);
            var text = await response.Content.ReadAsStringAsync(cancellationToken);
            return response.StatusCode switch
            {
                HttpStatusCode.NotFound when method == HttpMethod.Get => null,
                HttpStatusCode.Unauthorized => throw NotAdministrator(),
                _ when response.IsSuccessStatusCode => JsonDocument.Parse(text.Length == 0 ? "{}" : text),
                var status => throw new DeadLetterException(DeadLetterProblem.Refused, $"The management API at {options.Management} returned {(int)status}: {Reason(text)}"),
            };
        }
        catch (Exception e) when (e is HttpRequestException or JsonException or OperationCanceledException { InnerException: TimeoutException })
        {
            throw ManagementClient.Unreachable(options, e);
        }
    }

    private DeadLetterException NotAdministrator() => new(
        DeadLetterProblem.Forbidden,
        $"The RabbitMQ user {options.Username} can't administer users: connect as a user with the tag administrator (ConnectionStrings__DeadLetters, else ConnectionStrings__RabbitMq), and check its password");

    private static string Reason(string text)
    {
        try
        {
            using var json = JsonDocument.Parse(text);
            return Text(json.RootElement, "reason") is { Length: > 0 } reason ? reason : "no reason given";
        }
        catch (JsonException)
        {
            return "no reason given";
        }
    }

    // RabbitMQ 3.9 and later: a list; before: names separated by commas.
    private static string[] TagsOf(JsonElement user) => !user.TryGetProperty("tags", out var tags) ? []
        : tags.ValueKind == JsonValueKind.Array ? [.. tags.EnumerateArray().Select(tag => tag.GetString()!)]
        : (tags.GetString() ?? "").Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);

    private static string Text(JsonElement element, string name) =>
        element.ValueKind == JsonValueKind.Object && element.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString()! : "";

    private static string Segment(string name) => Uri.EscapeDataString(name);
}
