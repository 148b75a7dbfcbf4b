using WorkinIt.Dev.Brokers;
using WorkinIt.Dev.Machine;
using WorkinIt.Dev.Processes;

namespace WorkinIt.Dev.Clusters;

/// <summary>The network between nodes on this machine. The cluster has its own chain of firewall rules, so that healing removes only those.</summary>
/// <param name="folder">The folder of the cluster.</param>
internal sealed class LoopbackNetwork(BrokerFolder folder) : IClusterNetwork
{
    /// <inheritdoc/>
    public async Task CutOffAsync(int number)
    {
        if (!Command.Exists("iptables"))
            await AptPackages.InstallAsync(["iptables"]);
        var node = new BrokerFolder(folder.File($"{number}"));
        var (port, address) = (node.Read("dist.port"), node.Read("dist.address"));
        await RequireAsync("-N", folder.Name);
        await RequireAsync("-A", folder.Name, "-p", "tcp", "--dport", port, "-j", "DROP"); // connections that the others opened
        await RequireAsync("-A", folder.Name, "-p", "tcp", "--sport", port, "-j", "DROP");
        await RequireAsync("-A", folder.Name, "-s", address, "-j", "DROP"); // connections that it opened
        await RequireAsync("-A", folder.Name, "-d", address, "-j", "DROP");
        await RequireAsync("-I", "INPUT", "-i", "lo", "-j", folder.Name);
    }

    /// <inheritdoc/>
    public async Task HealAsync()
    {
        if (!Command.Exists("iptables") || !(await RunAsync("-S", folder.Name)).Succeeded)
            return;
        await RunAsync("-D", "INPUT", "-i", "lo", "-j", folder.Name); // missing if the cut failed half way
        await RequireAsync("-F", folder.Name);
        await RequireAsync("-X", folder.Name);
    }

    private static async Task RequireAsync(params string[] arguments)
    {
        var result = await RunAsync(arguments);
        if (!result.Succeeded)
            throw new ToolException($"iptables {string.Join(' ', arguments)} failed: {result.Errors.TrimEnd()}");
    }

    private static Task<CommandOutput> RunAsync(params string[] arguments) => new Command("iptables", ["-w", .. arguments]).CaptureAsync();
}
