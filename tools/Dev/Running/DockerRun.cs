using WorkinIt.Dev.Machine;
using WorkinIt.Dev.Processes;

namespace WorkinIt.Dev.Running;

/// <summary>./run --docker: everything in containers, with compose.yaml.</summary>
/// <param name="folder">The folder for the logs of ./run.</param>
/// <param name="ports">The ports.</param>
/// <param name="compose">The command of Docker Compose.</param>
internal sealed class DockerRun(string folder, RunPorts ports, IReadOnlyList<string> compose) : IRun
{
    private static readonly string[] _services = ["web", "consumers"];
    private static readonly string[] _companions = ["rabbitmq", "mailpit"];

    private readonly Dictionary<string, string> _containers = []; // by service
    private readonly HashSet<string> _stopped = [];
    private int _checks;

    /// <inheritdoc/>
    public string Kind => "docker";

    /// <inheritdoc/>
    public string Logs => $"{string.Join(' ', compose)} logs -f web consumers";

    /// <inheritdoc/>
    public async Task PrepareAsync()
    {
        foreach (var (name, value) in LocalSettings.Delays)
            Environment.SetEnvironmentVariable(name, value); // the same as with --local
        // Do not take over or stop containers that something else started.
        var states = await Task.WhenAll(_companions.Concat(_services).Select(async service => await StateAsync(await ContainerAsync(service))));
        if (states.Any(IsRunning))
            throw new ToolException("The containers of this compose.yaml are already running. Use them, or stop them first: docker compose down");
        ports.RefuseTaken();
    }

    /// <inheritdoc/>
    public async Task StartAsync(CancellationToken cancellation)
    {
        Output.Say("Building the images …");
        await StepAsync("building the images", "build.log", ["build"], cancellation);
        Output.Say("Starting the containers …");
        await StepAsync("starting the containers", "up.log", ["up", "-d", "--no-build"], cancellation);
        foreach (var service in _companions.Concat(_services))
            _containers[service] = await ContainerAsync(service);
        if (await Wait.UntilAsync(TimeSpan.FromSeconds(60), ports.AreReadyAsync, cancellation))
            return;
        Output.Warn((await ComposeAsync("logs", "--tail=15", "web", "consumers")).Output);
        throw new ToolException("The services were not ready after 60 s.");
    }

    /// <inheritdoc/>
    // The broker and the mail server may be stopped and started by hand, to watch the effect.
    public async Task<bool> IsThereAsync()
    {
        if (++_checks % 4 != 0) // each check starts processes
            return true;
        foreach (var service in _services)
        {
            var state = await StateAsync(_containers[service]);
            if (!state.StartsWith("exited", StringComparison.Ordinal) && !state.StartsWith("dead", StringComparison.Ordinal))
                continue;
            Output.Warn($"The container of {service} exited unexpectedly ({state}). The last lines of its log:");
            var log = await DockerEngine.DockerAsync("logs", "--tail", "15", _containers[service]);
            Output.Warn(log.Output + log.Errors);
            return false;
        }
        foreach (var service in _companions)
            ReportChange(service, IsRunning(await StateAsync(_containers[service])));
        return true;
    }

    /// <inheritdoc/>
    public async Task StopAsync()
    {
        await QuietlyAsync("stop", "web");
        var stopping = QuietlyAsync("stop", "consumers");
        if (await Task.WhenAny(stopping, Task.Delay(TimeSpan.FromSeconds(4))) != stopping)
            Output.Say("Waiting for the mails in flight …");
        await stopping;
        await QuietlyAsync("down");
        Output.Say("Stopped. Messages in the queues stay in the volume for the next start.");
    }

    private static bool IsRunning(string state) => state.StartsWith("running", StringComparison.Ordinal);

    private void ReportChange(string service, bool isUp)
    {
        if (isUp && _stopped.Remove(service))
            Output.Say($"{service} is back.");
        else if (!isUp && _stopped.Add(service))
            Output.Say($"{service} has stopped. To start it again: docker start {_containers[service]}");
    }

    private async Task StepAsync(string what, string logName, string[] arguments, CancellationToken cancellation)
    {
        var log = Path.Combine(folder, "logs", logName);
        var running = new Command(compose[0], Arguments(arguments)) { Log = log }.RunAsync(cancellation);
        await Progress.ShowAsync(what, running);
        if (await running == 0)
            return;
        Output.WarnTail(log, 20);
        Output.Warn((await ComposeAsync("logs", "--tail=15", "topology")).Output);
        throw new ToolException($"Failed: {what}. Full output: {log}");
    }

    private Task<CommandOutput> ComposeAsync(params string[] arguments) => new Command(compose[0], Arguments(arguments)).CaptureAsync();

    // In its own session, so that a second Ctrl-C does not reach it.
    private Task<int> QuietlyAsync(params string[] arguments) => new Command(compose[0], Arguments(arguments)) { Log = "/dev/null" }.RunAsync();

    private IEnumerable<string> Arguments(string[] arguments) =>
        [.. compose.Skip(1), "--project-directory", Repository.Root, "-f", Path.Combine(Repository.Root, "compose.yaml"), .. arguments];

    private async Task<string> ContainerAsync(string service) => (await ComposeAsync("ps", "-aq", service)).Output.Split('\n')[0].Trim();

    private static async Task<string> StateAsync(string container) => container.Length == 0
        ? ""
        : (await DockerEngine.DockerAsync("inspect", "-f", "{{.State.Status}}, exit code {{.State.ExitCode}}", container)).Output.Trim();
}
