using System.Net.Http.Json;
using System.Text.Json;
using WorkinIt.Dev.Clusters;

namespace WorkinIt.Testbed;

/// <summary>A RabbitMQ cluster of three nodes on this machine (dev/cluster), with operations that make it fail.</summary>
public sealed class TestCluster : IAsyncDisposable
{
    private readonly Cluster _cluster;
    private readonly string[] _names;

    private TestCluster(Cluster cluster)
    {
        _cluster = cluster;
        Dev.Brokers.Broker[] nodes = [.. Enumerable.Range(1, 3).Select(cluster.Node)];
        _names = [.. nodes.Select(node => File.Exists(Path.Combine(node.Folder, "image")) ? $"rabbit@{Read(node.Folder, "name")}" : $"{Read(node.Folder, "name")}@localhost")];
        Nodes = [.. nodes.Select(node => TestBroker.OfNode(
            new Uri($"amqp://operator:operator@127.0.0.1:{Read(node.Folder, "amqp.port")}"),
            new Uri($"http://127.0.0.1:{Read(node.Folder, "management.port")}"),
            node))];

        static string Read(string folder, string file) => File.ReadAllText(Path.Combine(folder, file)).Trim();
    }

    /// <summary>The nodes, each of which can be stopped, killed and started.</summary>
    public IReadOnlyList<TestBroker> Nodes { get; }

    /// <summary>Starts the cluster in the folder WORKINIT_TEST_CLUSTER_DIR, in containers if WORKINIT_TEST_IMAGE names an image.</summary>
    public static async Task<TestCluster> StartAsync()
    {
        var cluster = new Cluster(TestBroker.Required("WORKINIT_TEST_CLUSTER_DIR"));
        await cluster.StartAsync(TestBroker.Image);
        return new TestCluster(cluster);
    }

    /// <summary>Creates a broker that represents all three nodes. Each system needs its own, because it disposes of its broker.</summary>
    public TestBroker AsOne() => TestBroker.OfCluster(Nodes);

    /// <summary>Starts the nodes that are not running.</summary>
    public Task StartAllAsync() => _cluster.StartAsync();

    /// <summary>Returns the node that leads a quorum queue, or null while there is no leader.</summary>
    /// <param name="virtualHost">The virtual host of the queue.</param>
    /// <param name="queue">The queue.</param>
    /// <param name="butNot">A node that must not be queried: on RabbitMQ 4.x, a node that was cut off reports itself as the leader.</param>
    public async Task<TestBroker?> LeaderAsync(TestVirtualHost virtualHost, string queue, TestBroker? butNot = null)
    {
        var path = $"queues/{{vhost}}/{queue}";
        var answer = butNot is null
            ? await virtualHost.ManagementAsync(path)
            : await Nodes.First(node => node != butNot).Management.GetFromJsonAsync<JsonElement>("/api/" + path.Replace("{vhost}", virtualHost.Name, StringComparison.Ordinal));
        var leader = Array.IndexOf(_names, Text(answer, "leader"));
        return leader < 0 ? null : Nodes[leader];
    }

    /// <summary>Returns whether a service is connected to a node. Waits until the management API, which updates every 5 s, shows a connection of the service to any node.</summary>
    /// <param name="virtualHost">The virtual host of the connection.</param>
    /// <param name="node">The node.</param>
    /// <param name="service">The connection name of the service, such as WorkinIt.Web.</param>
    /// <param name="since">Older connections are ignored.</param>
    public async Task<bool> HasConnectedAsync(TestVirtualHost virtualHost, TestBroker node, string service, DateTimeOffset since)
    {
        var nodes = await Eventually.SeeAsync(
            async () => (await virtualHost.ManagementAsync("vhosts/{vhost}/connections")).EnumerateArray()
                .Where(connection => Text(connection, "user_provided_name") == service && connection.GetProperty("connected_at").GetInt64() >= since.ToUnixTimeMilliseconds())
                .Select(connection => Text(connection, "node")).ToList(),
            seen => seen.Count > 0, $"a connection of {service}");
        return nodes.Contains(_names[Nodes.ToList().IndexOf(node)]);
    }

    /// <summary>Cuts the network between a node and the other two. Clients still reach all three.</summary>
    /// <param name="node">The node.</param>
    public Task CutOffAsync(TestBroker node) => _cluster.CutOffAsync(Nodes.ToList().IndexOf(node) + 1);

    /// <summary>Restores the network between the nodes.</summary>
    public Task HealAsync() => _cluster.HealAsync();

    /// <summary>Waits until all nodes run and each node reports that it is not critical to a quorum: each queue has a majority without it.</summary>
    /// <param name="within">The time limit; null uses 60 s.</param>
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
                healthy => healthy, "all nodes run, and none of them is critical to a quorum", within);
        }
    }

    private static string? Text(JsonElement element, string name) => element.TryGetProperty(name, out var text) ? text.GetString() : null;

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        foreach (var node in Nodes)
            node.Dispose();
        await _cluster.RemoveAsync();
    }
}
