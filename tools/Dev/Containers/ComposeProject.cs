using WorkinIt.Dev.Machine;
using WorkinIt.Dev.Processes;
using WorkinIt.Dev.Testing;

namespace WorkinIt.Dev.Containers;

/// <summary>A compose file, under a project name of its own and with free ports.</summary>
internal sealed class ComposeProject : IAsyncDisposable
{
    private readonly TestRun _run;
    private readonly IReadOnlyList<string> _compose;
    private readonly string _file;

    private ComposeProject(TestRun run, IReadOnlyList<string> compose, string file)
    {
        (_run, _compose, _file) = (run, compose, file);
        Name = $"workinit-test-{Environment.ProcessId}";
    }

    /// <summary>The name of the project.</summary>
    public string Name { get; }

    /// <summary>Prepares a compose file.</summary>
    /// <param name="run">The run.</param>
    /// <param name="file">The compose file.</param>
    /// <param name="ports">The names of the ports, as in WORKINIT_NAME_PORT.</param>
    public static async Task<ComposeProject> CreateAsync(TestRun run, string file, params IEnumerable<string> ports)
    {
        if (!await DockerEngine.AnswersAsync())
            throw new ToolException("This test needs a Docker engine, and none answers. Start Docker, or set DOCKER_HOST.");
        if (await DockerEngine.ComposeAsync() is null)
            await AptPackages.InstallAsync(["docker-compose"], run.Cancellation);
        foreach (var port in ports)
            Environment.SetEnvironmentVariable(VariableOf(port), $"{Ports.TakeFree()}");
        var project = new ComposeProject(run, await DockerEngine.ComposeAsync() ?? ["docker-compose"], file);
        TestRun.Heading($"{file} as {project.Name}");
        return project;
    }

    /// <summary>Returns one of its ports.</summary>
    public static int Port(string name) => Ports.Parse(Environment.GetEnvironmentVariable(VariableOf(name)) ?? "", VariableOf(name));

    /// <summary>Runs Docker Compose, which must succeed, and adds its output to a log.</summary>
    /// <returns>Its standard output.</returns>
    public Task<string> RunAsync(StepLog log, params IEnumerable<string> arguments) => log.RunAsync(_compose[0], [.. Arguments(arguments)]);

    /// <summary>Returns the ids of the containers of a service.</summary>
    public async Task<string[]> ContainersAsync(string service) =>
        (await CommandOf("ps", "-aq", service).CaptureAsync()).Output.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);

    /// <summary>Returns the id of the only container of a service.</summary>
    public async Task<string> ContainerAsync(string service) =>
        await ContainersAsync(service) is [var only] ? only : throw new ToolException($"{service} has not exactly one container.");

    /// <summary>Returns the command for Docker Compose.</summary>
    public Command CommandOf(params IEnumerable<string> arguments) => new(_compose[0], Arguments(arguments));

    /// <summary>Removes containers, volumes and images, and keeps the logs after a failure.</summary>
    public async ValueTask DisposeAsync()
    {
        if (_run.Tally.Failed > 0)
        {
            var logs = await CommandOf("logs", "--tail=200").CaptureAsync();
            await File.WriteAllTextAsync(_run.LogOf("compose"), logs.Output + logs.Errors);
            Output.Say($"The containers' logs: {_run.LogOf("compose")}");
        }
        await new Command(_compose[0], Arguments(["down", "-v", "--rmi", "local"])) { Log = "/dev/null" }.RunAsync();
    }

    private static string VariableOf(string port) => $"WORKINIT_{port}_PORT";

    private string[] Arguments(IEnumerable<string> arguments) =>
        [.. _compose.Skip(1), "-p", Name, "--project-directory", Path.GetDirectoryName(Path.Combine(Repository.Root, _file))!, "-f", Path.Combine(Repository.Root, _file), .. arguments];
}
