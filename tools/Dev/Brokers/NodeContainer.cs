using WorkinIt.Dev.Machine;
using WorkinIt.Dev.Processes;
using static WorkinIt.Dev.Machine.DockerEngine;

namespace WorkinIt.Dev.Brokers;

/// <summary>A node in a container.</summary>
/// <param name="folder">The folder of the broker.</param>
/// <param name="image">The image.</param>
internal sealed class NodeContainer(BrokerFolder folder, string image) : IBrokerNode
{
    /// <inheritdoc/>
    public async Task<bool> IsUpAsync() =>
        folder.Image.Length > 0 && await IsOursAsync() && (await DockerAsync("inspect", "-f", "{{.State.Running}}", folder.Name)).Output.Trim() == "true";

    /// <inheritdoc/>
    // A container from an earlier version has no label.
    public async Task<bool> IsOursAsync() =>
        (await DockerAsync("inspect", "-f", """{{index .Config.Labels "workinit.folder"}}""", folder.Name)).Output.Trim() is var label && (label.Length == 0 || label == folder.Path);

    /// <inheritdoc/>
    public int Listener(int port) => 5672;

    /// <inheritdoc/>
    public async Task StartAsync(int amqp, int management, CancellationToken cancellation)
    {
        if (folder.Image != image)
            await CreateAsync(amqp, management);
        await RequireAsync("start", folder.Name);
        folder.Write("broker.pid", await RequireAsync("inspect", "-f", "{{.State.Pid}}", folder.Name));
    }

    /// <inheritdoc/>
    public Task StopAsync() => RequireAsync("stop", "-t", "9", folder.Name);

    /// <inheritdoc/>
    // The engine shows only one process of the container, so SIGSTOP and SIGCONT pause and resume all of it.
    public Task SendAsync(Signal signal) => signal switch
    {
        Signal.Stop => RequireAsync("pause", folder.Name),
        Signal.Continue => DockerAsync("unpause", folder.Name), // it may not be paused
        _ => RequireAsync("kill", "-s", "KILL", folder.Name),
    };

    /// <inheritdoc/>
    public Task<CommandOutput> ControlAsync(params IEnumerable<string> arguments) => DockerAsync(["exec", folder.Name, "rabbitmqctl", "-q", .. arguments]);

    /// <inheritdoc/>
    public async Task CollectLogAsync()
    {
        var log = await DockerAsync("logs", folder.Name);
        await File.WriteAllTextAsync(folder.Log, log.Output + log.Errors);
    }

    /// <inheritdoc/>
    public async Task RemoveAsync()
    {
        if (await IsOursAsync())
            await DockerAsync("rm", "-f", "-v", folder.Name);
    }

    // Files are copied into the container, not mounted: the engine may run on a different file system.
    private async Task CreateAsync(int amqp, int management)
    {
        await RequireAsync(
            ["create", "--name", folder.Name, "--hostname", folder.Name, "--label", $"workinit.folder={folder.Path}",
            "-p", $"127.0.0.1:{amqp}:5672", "-p", $"127.0.0.1:{management}:15672", .. folder.ReadLines("docker.args"), image]);
        folder.Write("image", image);
        await CopyAsync(Path.Combine(Repository.Dev, "definitions.json"), "definitions.json");
        await CopyAsync(Path.Combine(Repository.Dev, "enabled_plugins"), "enabled_plugins");
        await CopyAsync(Path.Combine(Repository.Dev, "rabbitmq.conf"), "conf.d/90-workinit.conf");
        if (File.Exists(folder.File("cluster.conf")))
            await CopyAsync(folder.File("cluster.conf"), "conf.d/91-cluster.conf");
    }

    private Task<string> CopyAsync(string file, string target) => RequireAsync("cp", "-q", file, $"{folder.Name}:/etc/rabbitmq/{target}");
}
