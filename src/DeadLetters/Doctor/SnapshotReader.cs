using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace WorkinIt.DeadLetters;

/// <summary>Reads a virtual host from RabbitMQ's management API, by GET requests only. Source: rabbitmq.com/docs/http-api-reference.</summary>
/// <param name="options">The broker.</param>
internal sealed class SnapshotReader(DeadLetterOptions options) : IDisposable
{
    private const string Administrator = "administrator";

    private readonly HttpClient _http = ManagementClient.Connect(options);
    private readonly string _host = Uri.EscapeDataString(options.VirtualHost);

    /// <exception cref="DeadLetterException">The API does not answer, refuses the user, or has no such virtual host.</exception>
    public async Task<VirtualHostSnapshot> ReadAsync(CancellationToken cancellationToken)
    {
        var overview = await NeedAsync<Overview>("overview", cancellationToken);
        var queues = await FindAsync<List<BrokerQueue>>($"queues/{_host}", cancellationToken) ?? throw await NoQueuesAsync(cancellationToken);
        var hosts = await NeedAsync<List<VirtualHost>>("vhosts", cancellationToken); // one by its name is for administrators only
        return new VirtualHostSnapshot
        {
            Broker = VersionOf(overview.Version),
            Names = options.Names,
            Queues = [.. queues.Where(queue => !IsOwn(queue.Name))],
            Exchanges = await NeedAsync<List<BrokerExchange>>($"exchanges/{_host}", cancellationToken),
            Bindings = await NeedAsync<List<BrokerBinding>>($"bindings/{_host}", cancellationToken),
            DefaultQueueType = hosts.Find(host => host.Name == options.VirtualHost)?.DefaultQueueType,
            Policies = await FindAsync<List<NamedPolicy>>($"policies/{_host}", cancellationToken),
            Permissions = await PermissionsAsync(cancellationToken),
        };
    }

    public void Dispose() => _http.Dispose();

    // The console's own queues: it declares them as they are, and what they lose is read again.
    private static bool IsOwn(string queue) =>
        queue is FeedNotice.Queue or ReplayReport.Exchange || queue.StartsWith(QueueLock.Prefix, StringComparison.Ordinal);

    private static Version VersionOf(string? text) => Version.TryParse(text?.Split('-', '+')[0], out var version) ? version : new Version(0, 0);

    private async Task<IReadOnlyList<UserPermission>?> PermissionsAsync(CancellationToken cancellationToken)
    {
        if (await FindAsync<List<UserPermission>>($"vhosts/{_host}/permissions", cancellationToken) is not { } permissions
            || await FindAsync<List<User>>("users", cancellationToken) is not { } users)
        {
            return null;
        }
        var administrators = users.Where(user => user.HasTag(Administrator)).Select(user => user.Name).ToHashSet(StringComparer.Ordinal);
        return [.. permissions.Where(permission => !administrators.Contains(permission.User))];
    }

    private async Task<T> NeedAsync<T>(string path, CancellationToken cancellationToken)
        where T : class =>
        await FindAsync<T>(path, cancellationToken) ?? throw Refused();

    // The API answers 404 to a virtual host that does not exist, and from 4.0 on also to one without permissions. Administrators and monitors see a list
    // of all virtual hosts, other users only those that they have permissions on.
    private async Task<DeadLetterException> NoQueuesAsync(CancellationToken cancellationToken)
    {
        if (await FindAsync<List<VirtualHost>>("vhosts", cancellationToken) is not { } hosts || hosts.Exists(host => host.Name == options.VirtualHost))
            return Refused();
        var seesAll = await FindAsync<User>("whoami", cancellationToken) is { } user && (user.HasTag(Administrator) || user.HasTag("monitoring"));
        return new DeadLetterException(DeadLetterProblem.Unreachable, seesAll
            ? $"Virtual host {options.VirtualHost} does not exist on the broker of {options.Management}. It is the path of the address: amqp://HOST/VIRTUAL-HOST"
            : $"Virtual host {options.VirtualHost} does not exist on the broker of {options.Management}, or the user {options.Username} has no permissions on it");
    }

    private DeadLetterException Refused() => new(
        DeadLetterProblem.Unreachable, $"The management API at {options.Management} refuses the user {options.Username}: it needs the tag {NeededRights.Tag}, and permissions on {options.VirtualHost}");

    // Null: the user may not read it. The API answers 401 to that, also if the password is right; 404 where a version does not have it.
    private async Task<T?> FindAsync<T>(string path, CancellationToken cancellationToken)
        where T : class
    {
        try
        {
            using var response = await _http.GetAsync(new Uri($"api/{path}", UriKind.Relative), cancellationToken);
            return response.StatusCode switch
            {
                HttpStatusCode.Unauthorized or HttpStatusCode.Forbidden or HttpStatusCode.NotFound => null,
                _ when response.IsSuccessStatusCode => await response.Content.ReadFromJsonAsync<T>(cancellationToken),
                var status => throw new DeadLetterException(DeadLetterProblem.Unreachable, $"The management API at {options.Management} returned {(int)status}"),
            };
        }
        catch (Exception e) when (e is HttpRequestException or JsonException or OperationCanceledException { InnerException: TimeoutException })
        {
            throw ManagementClient.Unreachable(options, e);
        }
    }

    private sealed record Overview([property: JsonPropertyName("rabbitmq_version")] string? Version);

    private sealed record VirtualHost([property: JsonPropertyName("name")] string Name, [property: JsonPropertyName("default_queue_type")] string? DefaultQueueType);

    private sealed record User([property: JsonPropertyName("name")] string Name, [property: JsonPropertyName("tags")] JsonElement Tags)
    {
        // RabbitMQ 3.9 and later: a list; before: names separated by commas.
        public bool HasTag(string tag) => Tags.ValueKind == JsonValueKind.Array
            ? Tags.EnumerateArray().Any(one => one.GetString() == tag)
            : (Tags.GetString() ?? "").Split(',', StringSplitOptions.TrimEntries).Contains(tag);
    }
}
