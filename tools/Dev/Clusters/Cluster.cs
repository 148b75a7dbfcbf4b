using System.Security.Cryptography;
using WorkinIt.Dev.Brokers;
using WorkinIt.Dev.Machine;
using WorkinIt.Dev.Processes;

namespace WorkinIt.Dev.Clusters;

/// <summary>
/// A RabbitMQ cluster of three nodes on this machine. The nodes are the folders 1, 2 and 3 in its folder: <see cref="Broker"/> stops, kills and
/// starts each one as usual.
/// </summary>
internal sealed class Cluster
{
    private const int NetTick = 8; // after this many seconds (± a quarter) its peers detect that a node is silent; the default is 60
    private static readonly int[] _numbers = [1, 2, 3];

    private readonly BrokerFolder _folder; // of the same shape: small files, one of them with the name

    /// <summary>Creates the object for a folder, which may not exist yet.</summary>
    public Cluster(string folder) => _folder = new BrokerFolder(Folders.Canonical(folder));

    /// <summary>Returns a node.</summary>
    /// <param name="number">1, 2 or 3.</param>
    public Broker Node(int number) => new(FolderOf(number));

    /// <summary>Starts the nodes that don't run, and waits until they respond.</summary>
    /// <param name="image">The image of containers for a new cluster; null uses the system's package.</param>
    /// <exception cref="ToolException">A node did not start.</exception>
    public async Task StartAsync(string? image = null)
    {
        Directory.CreateDirectory(_folder.Path);
        if (_folder.Name.Length == 0)
            await PrepareAsync(image ?? "");
        // On 3.x the first node must run before the others can join. From 4.1 on, each node waits until it has seen all of them.
        if (_folder.Image.Length == 0)
            await StartNodeAsync(1);
        await Task.WhenAll(_numbers.Skip(_folder.Image.Length == 0 ? 1 : 0).Select(StartNodeAsync));
    }

    /// <summary>Cuts the network between a node and the other two; clients reach all three. Needs root.</summary>
    public async Task CutOffAsync(int number)
    {
        if (!IsOurs)
            throw new ToolException($"{_folder.Path} is a copy of another cluster's folder. Start a new cluster in another folder.");
        if (!Environment.IsPrivilegedProcess)
            throw new ToolException("Only root can cut off a node.");
        await NetworkOf().CutOffAsync(number);
    }

    /// <summary>Ends the cut.</summary>
    public async Task HealAsync()
    {
        if (IsOurs)
            await NetworkOf().HealAsync();
    }

    /// <summary>Stops the nodes and deletes the folder. A folder that was never a cluster's is not deleted.</summary>
    public async Task RemoveAsync()
    {
        if (_folder.Name.Length == 0)
            return;
        await HealAsync();
        await Task.WhenAll(_numbers.Select(number => Node(number).RemoveAsync()));
        if (_folder.Image.Length > 0 && IsOurs)
            await DockerEngine.RequireAsync("network", "rm", _folder.Name);
        Directory.Delete(_folder.Path, recursive: true);
    }

    // A copied folder contains the names of the original's chain and network.
    private bool IsOurs => _folder.Read("folder") is var folder && (folder.Length == 0 || folder == _folder.Path);

    private string FolderOf(int number) => _folder.File($"{number}");

    private IClusterNetwork NetworkOf() => _folder.Image.Length > 0 ? new ContainerNetwork(_folder) : new LoopbackNetwork(_folder);

    private Task StartNodeAsync(int number)
    {
        var node = new BrokerFolder(FolderOf(number));
        return Node(number).StartAsync(node.Port("amqp.port"), node.Port("management.port"), _folder.Image.Length > 0 ? _folder.Image : null);
    }

    private async Task PrepareAsync(string image)
    {
        var name = BrokerFolder.NewName();
        var cookie = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(20));
        var network = (First: RandomNumberGenerator.GetInt32(1, 255), Second: RandomNumberGenerator.GetInt32(256));
        if (image.Length > 0)
        {
            await DockerEngine.RequireAsync("network", "create", name);
            _folder.Write("image", image);
        }
        foreach (var number in _numbers)
        {
            Directory.CreateDirectory(FolderOf(number));
            var node = new BrokerFolder(FolderOf(number));
            node.Write("name", $"{name}-{number}");
            node.Write("docker.args", $"--network\n{name}\n-e\nRABBITMQ_ERLANG_COOKIE={cookie}");
            node.WriteCookie(cookie);
            // The address for connections that the node opens, so that its traffic can be distinguished from that of its peers.
            node.Write("dist.address", $"127.{network.First}.{network.Second}.{number}");
            node.Write("cluster.args", $"-kernel inet_dist_connect_options [{{ip,{{127,{network.First},{network.Second},{number}}}}}]");
            node.Write("cluster.conf", Configuration(other => image.Length > 0 ? $"rabbit@{name}-{other}" : $"{name}-{other}@localhost"));
            foreach (var kind in new[] { "amqp", "management", "dist" })
                node.Write($"{kind}.port", Ports.TakeFree());
        }
        _folder.Write("folder", _folder.Path);
        _folder.Write("name", name);
    }

    private static string Configuration(Func<int, string> nodeName) => string.Join('\n',
    [
        $"net_ticktime = {NetTick}",
        "cluster_partition_handling = pause_minority",
        "cluster_formation.peer_discovery_backend = classic_config",
        .. _numbers.Select(other => $"cluster_formation.classic_config.nodes.{other} = {nodeName(other)}"),
    ]);
}
