using WorkinIt.Dev.Brokers;
using WorkinIt.Dev.Processes;
using static WorkinIt.Dev.Machine.DockerEngine;

namespace WorkinIt.Dev.Clusters;

/// <summary>
/// The network between nodes in containers. It is cut in the container's network namespace, so that the machine's and the engine's rules stay
/// unchanged. Needs an engine on this machine.
/// </summary>
/// <param name="folder">The folder of the cluster.</param>
internal sealed class ContainerNetwork(BrokerFolder folder) : IClusterNetwork
{
    private static readonly int[] _numbers = [1, 2, 3];

    /// <inheritdoc/>
    public async Task CutOffAsync(int number)
    {
        foreach (var other in _numbers.Where(other => other != number))
        {
            var address = await RequireAsync("inspect", "-f", "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}", ContainerOf(other));
            await File.AppendAllTextAsync(FileOf(number), address + "\n");
            var result = await InNetworkOfAsync(number, "add", address);
            if (!result.Succeeded)
                throw new ToolException($"The route to {address} could not be blocked: {result.Errors.TrimEnd()}");
        }
    }

    /// <inheritdoc/>
    public async Task HealAsync()
    {
        foreach (var number in _numbers.Where(number => File.Exists(FileOf(number))))
        {
            foreach (var address in await File.ReadAllLinesAsync(FileOf(number)))
                await InNetworkOfAsync(number, "del", address); // a container that was restarted has none of the routes, and it may be gone
            File.Delete(FileOf(number));
        }
    }

    private string FileOf(int number) => folder.File($"{number}/cut");

    private string ContainerOf(int number) => $"{folder.Name}-{number}";

    private async Task<CommandOutput> InNetworkOfAsync(int number, string verb, string address)
    {
        var id = await DockerAsync("inspect", "-f", "{{.State.Pid}}", ContainerOf(number));
        return id.Succeeded ? await new Command("nsenter", "-t", id.Output.Trim(), "-n", "ip", "route", verb, "blackhole", $"{address}/32").CaptureAsync() : id;
    }
}
