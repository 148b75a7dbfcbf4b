using System.Net.Http.Json;
using System.Text.Json;
using WorkinIt.DeadLetters;
using WorkinIt.Testbed;

namespace WorkinIt.BrokerTests.Upgrading;

/// <summary>The broker that ./test upgrade started, of the system's package, and a new one in a container.</summary>
public sealed class OldAndNewBroker : IAsyncLifetime
{
    private const string Image = "rabbitmq:4.3-management";

    private readonly string _folder = Directory.CreateTempSubdirectory("workinit-").FullName;

    /// <summary>The broker from which dead letters are moved.</summary>
    public TestBroker Old { get; } = TestBroker.FromEnvironment();

    /// <summary>The broker to which they are moved.</summary>
    public TestBroker New { get; private set; } = null!;

    /// <inheritdoc/>
    public async ValueTask InitializeAsync() => New = await TestBroker.StartOwnAsync(Image);

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        Old.Dispose();
        await New.RemoveAsync();
        New.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    /// <summary>Imports the definitions of the old broker, as an operator does: users, virtual hosts, policies, queues, exchanges and bindings.</summary>
    /// <returns>The answer of the new broker.</returns>
    public async Task<HttpResponseMessage> ImportDefinitionsAsync()
    {
        var definitions = await Old.Management.GetFromJsonAsync<JsonElement>("/api/definitions");
        return await New.Management.PostAsJsonAsync("/api/definitions", definitions);
    }

    /// <summary>Moves all messages of a queue by a shovel on the old broker, and waits until none is left there.</summary>
    internal async Task ShovelAllAsync(TestVirtualHost old, TestVirtualHost there, string queue, int count)
    {
        await StartShovelAsync(old.Name, queue, "operator");
        await Eventually.SeeAsync(
            async () =>
            {
                var isGone = !await HasShovelAsync(old.Name, queue);
                var counts = (await there.ReadyAsync(queue), await old.ReadyAsync(queue));
                // It counts the messages once, when it starts. A quorum queue that does not answer on a busy machine counts as empty, and it ends.
                if (isGone && counts.Item2 > 0)
                    await StartShovelAsync(old.Name, queue, "operator");
                return (isGone, counts);
            },
            seen => seen == (true, (count, 0)), $"{count} messages of {queue} on the new broker and none on the old one, and the shovel gone");
    }

    /// <summary>Starts a shovel that the new broker refuses, waits until the old broker reports why, and stops it.</summary>
    internal async Task ShouldBeRefusedAsync(TestVirtualHost old, string queue, string why, string user = "operator")
    {
        await StartShovelAsync(old.Name, queue, user);
        try
        {
            await Eventually.SeeAsync(
                async () => (await Old.Management.GetFromJsonAsync<JsonElement>($"/api/shovels/{old.Name}")).GetRawText(), shovels => JsonSerializer.Deserialize<JsonElement>(shovels).EnumerateArray().Any(shovel =>
                    shovel.GetProperty("name").GetString() == queue && shovel.TryGetProperty("reason", out var reason) && reason.GetString()!.Contains(why, StringComparison.Ordinal)), $"the shovel of {queue} ended: {why}");
        }
        finally
        {
            // Otherwise the definitions that a later test exports have it.
            (await Old.Management.DeleteAsync(new Uri($"/api/parameters/shovel/{old.Name}/{queue}", UriKind.Relative))).EnsureSuccessStatusCode();
        }
    }

    /// <summary>The id of a broker’s cluster.</summary>
    internal static async Task<string?> ClusterIdAsync(TestBroker broker) =>
        (await broker.Management.GetFromJsonAsync<JsonElement>("/api/global-parameters/internal_cluster_id")).GetProperty("value").GetString();

    /// <summary>The library on one of the brokers.</summary>
    internal DeadLetterClient ClientOf(TestBroker broker, TestVirtualHost virtualHost) => new(
        DeadLetterOptions.Parse(virtualHost.ConnectionString("operator"), broker.Management.BaseAddress!), new AuditFile(Path.Combine(_folder, $"audit-{virtualHost.Name}.jsonl")));

    private async Task<bool> HasShovelAsync(string virtualHost, string queue)
    {
        using var answer = await Old.Management.GetAsync(new Uri($"/api/parameters/shovel/{virtualHost}/{queue}", UriKind.Relative));
        return answer.IsSuccessStatusCode;
    }

    // It moves the messages that are in the queue when it starts, and then removes itself.
    private async Task StartShovelAsync(string virtualHost, string queue, string user)
    {
        var value = new Dictionary<string, object>
        {
            ["src-protocol"] = "amqp091",
            ["src-uri"] = $"{Old.Amqp}{virtualHost}",
            ["src-queue"] = queue,
            ["src-delete-after"] = "queue-length",
            ["dest-protocol"] = "amqp091",
            ["dest-uri"] = $"amqp://{user}:{user}@{New.Amqp.Host}:{New.Amqp.Port}/{virtualHost}",
            ["dest-queue"] = queue,
            ["ack-mode"] = "on-confirm",
        };
        (await Old.Management.PutAsJsonAsync($"/api/parameters/shovel/{virtualHost}/{queue}", new { value })).EnsureSuccessStatusCode();
    }
}
