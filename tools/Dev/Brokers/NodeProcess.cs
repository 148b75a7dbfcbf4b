using WorkinIt.Dev.Machine;
using WorkinIt.Dev.Processes;

namespace WorkinIt.Dev.Brokers;

/// <summary>A node from the system's package rabbitmq-server.</summary>
/// <param name="folder">The folder of the broker.</param>
internal sealed class NodeProcess(BrokerFolder folder) : IBrokerNode
{
    private const string Programs = "/usr/lib/rabbitmq/bin"; // Debian's commands in PATH require the user rabbitmq and /var

    /// <inheritdoc/>
    // At the moment when the start script becomes the Erlang VM, the process has no environment. On a busy machine, that moment takes a while.
    public async Task<bool> IsUpAsync()
    {
        bool? isOurs = null;
        await Wait.UntilAsync(TimeSpan.FromSeconds(5), () => folder.Pid.Running is not { } id || (isOurs = WasStartedHere(id)) is not null);
        return isOurs is true && folder.Pid.Running is not null;
    }

    /// <inheritdoc/>
    public Task<bool> IsOursAsync() => Task.FromResult(true);

    /// <inheritdoc/>
    public int Listener(int port) => port;

    /// <inheritdoc/>
    public async Task StartAsync(int amqp, int management, CancellationToken cancellation)
    {
        var server = await FindServerAsync(cancellation);
        await NodeConfiguration.WriteAsync(folder, amqp, management, cancellation);
        var distribution = folder.Port("dist.port") ?? Ports.TakeFree();
        // In its own folder: a node that fails at its start writes a dump into the current one.
        using var process = new Command(server) { Folder = folder.Path, Log = folder.Log, Variables = NodeConfiguration.Variables(folder, distribution) }.Start();
        folder.Pid.Remember(process.Id);
        // Until it is the start script, the process is a copy of this one, and would not be recognized.
        await Wait.UntilAsync(TimeSpan.FromSeconds(5), () => WasStartedHere(process.Id) is true || !ProcessTable.Machine.IsRunning(process.Id), cancellation);
    }

    /// <inheritdoc/>
    public Task StopAsync() => Ending.EndAsync(folder.Pid.Id!.Value, TimeSpan.FromSeconds(9)); // the node itself needs about 6 s

    /// <inheritdoc/>
    public async Task SendAsync(Signal signal)
    {
        var id = folder.Pid.Id!.Value;
        if (signal is Signal.Kill)
            await Ending.KillAsync(id);
        else
            CLibrary.Send(signal, id);
    }

    /// <inheritdoc/>
    public Task<CommandOutput> ControlAsync(params IEnumerable<string> arguments) =>
        new Command(Program("rabbitmqctl") ?? "rabbitmqctl", ["-q", "-n", $"{folder.Name}@localhost", .. arguments])
        {
            Variables = new Dictionary<string, string?> { ["HOME"] = folder.Path },
        }.CaptureAsync();

    /// <inheritdoc/>
    public Task CollectLogAsync() => Task.CompletedTask;

    /// <inheritdoc/>
    public Task RemoveAsync() => Task.CompletedTask;

    private bool? WasStartedHere(int id) => ProcessTable.Machine.HasVariable(id, $"RABBITMQ_MNESIA_BASE={folder.File("data")}");

    private static async Task<string> FindServerAsync(CancellationToken cancellation)
    {
        if (Program("rabbitmq-server") is { } installed)
            return installed;
        await AptPackages.InstallAsync(["rabbitmq-server"], cancellation);
        // Otherwise the service takes port 5672 at the next boot.
        if (Command.Exists("systemctl"))
            await new Command("systemctl", "disable", "rabbitmq-server").CaptureAsync(cancellation: cancellation);
        return Path.Combine(Programs, "rabbitmq-server");
    }

    private static string? Program(string name) => Path.Combine(Programs, name) is var path && File.Exists(path) ? path : Command.Find(name);
}
