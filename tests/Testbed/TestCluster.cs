using System.Globalization;
using System.Net.Http.Json;
using System.Text.Json;

namespace WorkinIt.Testbed;

/// <summary>A RabbitMQ cluster of three nodes on this machine (dev/cluster), and what can befall it.</summary>
public sealed class TestCluster : IAsyncDisposable
{
    private readonly DevScript _script;
    private readonly string[] _names;

    private TestCluster(DevScript script, string folder)
    {
        _script = script;
        string[] folders = [.. new[] { "1", "2", "3" }.Select(node => Path.Combine(folder, node))];
        _names = [.. folders.Select(node => File.Exists(Path.Combine(node, "image")) ? $"rabbit@{Read(node, "name")}" : $"{Read(node, "name")}@localhost")];
        Nodes = [.. folders.Select(node => TestBroker.OfNode(
            new Uri($"amqp://operator:operator@127.0.0.1:{Read(node, "amqp.port")}"),
            new Uri($"http://127.0.0.1:{Read(node, "management.port")}"),
            new DevScript(TestBroker.Required("WORKINIT_TEST_BROKER"), node)))];

        static string Read(string folder, string file) => File.ReadAllText(Path.Combine(folder, file)).Trim();
    }

    /// <summary>Each of them: to be stopped, killed and started.</summary>
    public IReadOnlyList<TestBroker> Nodes { get; }

    /// <summary>Starts the cluster in the folder WORKINIT_TEST_CLUSTER_DIR; in containers where WORKINIT_TEST_IMAGE names an image.</summary>
    public static async Task<TestCluster> StartAsync()
    {
        var folder = TestBroker.Required("WORKINIT_TEST_CLUSTER_DIR");
        var script = new DevScript(TestBroker.Required("WORKINIT_TEST_CLUSTER"), folder);
        await script.RunAsync("start", TestBroker.InContainer);
        return new TestCluster(script, folder);
    }

    /// <summary>All three as one broker, for one system, which disposes of it.</summary>
    public TestBroker AsOne() => TestBroker.OfCluster(Nodes);

    /// <summary>Starts those of the nodes that do not run.</summary>
    public Task StartAllAsync() => _script.RunAsync("start");

    /// <summary>The node that leads a quorum queue; null while none does.</summary>
    /// <param name="virtualHost">Where.</param>
    /// <param name="queue">The queue.</param>
    /// <param name="butNot">A node that is not to be asked: on RabbitMQ 4.x one that was cut off calls itself the leader.</param>
    public async Task<TestBroker?> LeaderAsync(TestVirtualHost virtualHost, string queue, TestBroker? butNot = null)
    {
        var path = $"queues/{{vhost}}/{queue}";
        var answer = butNot is null
            ? await virtualHost.ManagementAsync(path)
            : await Nodes.First(node => node != butNot).Management.GetFromJsonAsync<JsonElement>("/api/" + path.Replace("{vhost}", virtualHost.Name, StringComparison.Ordinal));
        var leader = Array.IndexOf(_names, Text(answer, "leader"));
        return leader < 0 ? null : Nodes[leader];
    }

    /// <summary>Whether a service has connected to a node; waits until the management API, which counts every 5 s, has seen it anywhere.</summary>
    /// <param name="virtualHost">Where.</param>
    /// <param name="node">The node.</param>
    /// <param name="service">As it calls itself: WorkinIt.Web.</param>
    /// <param name="since">Connections that are older do not count.</param>
    public async Task<bool> HasConnectedAsync(TestVirtualHost virtualHost, TestBroker node, string service, DateTimeOffset since)
    {
        var nodes = await Eventually.SeeAsync(
            async () => (await virtualHost.ManagementAsync("vhosts/{vhost}/connections")).EnumerateArray()
                .Where(connection => Text(connection, "user_provided_name") == service && connection.GetProperty("connected_at").GetInt64() >= since.ToUnixTimeMilliseconds())
                .Select(connection => Text(connection, "node")).ToList(),
            seen => seen.Count > 0, $"a connection of {service}");
        return nodes.Contains(_names[Nodes.ToList().IndexOf(node)]);
    }

    /// <summary>A node and the other two get nothing from each other any more; clients reach all three.</summary>
    /// <param name="node">The node.</param>
    public Task CutOffAsync(TestBroker node) => _script.RunAsync("cut", (Nodes.ToList().IndexOf(node) + 1).ToString(CultureInfo.InvariantCulture));

    /// <summary>They do again.</summary>
    public Task HealAsync() => _script.RunAsync("heal");

    /// <summary>Waits until each node says that any one may stop: each queue has a majority without it.</summary>
    /// <param name="within">How long to wait.</param>
    public async Task SeeWholeAsync(TimeSpan? within = null)
    {
        foreach (var node in Nodes)
        {
            await Eventually.SeeAsync(
                async () =>
                {
                    using var answer = await node.Management.GetAsync("/api/health/checks/node-is-quorum-critical");
                    var running = (await node.Management.GetFromJsonAsync<JsonElement>("/api/nodes")).EnumerateArray().Count(one => one.GetProperty("running").GetBoolean());
                    return answer.IsSuccessStatusCode && running == Nodes.Count;
                },
                whole => whole, "all nodes run, and none of them is critical to a quorum", within);
        }
    }

    private static string? Text(JsonElement element, string name) => element.TryGetProperty(name, out var text) ? text.GetString() : null;

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        foreach (var node in Nodes)
            node.Dispose();
        await _script.RunAsync("remove");
    }
}
