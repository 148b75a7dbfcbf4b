using WorkinIt.Dev.Processes;

namespace WorkinIt.Dev.Continuous;

/// <summary>A Docker engine from ../shared/docker, with images built from packages, for a machine without one.</summary>
/// <param name="state">The folder for its state, which is kept between runs: its images take minutes to build.</param>
/// <param name="cancellation">Cancels the start.</param>
internal sealed class SharedEngine(string state, CancellationToken cancellation) : IAsyncDisposable
{
    /// <summary>The folder that it comes from.</summary>
    public const string Folder = "../shared/docker";

    private readonly string _engine = Path.Combine(state, "engine");
    private bool _isStarted;

    /// <summary>Starts the engine and builds the images.</summary>
    /// <param name="rabbitMq">The version of RabbitMQ for which an image is needed in addition to those of the compose files.</param>
    /// <returns>Whether there is an engine.</returns>
    /// <exception cref="ToolException">It did not start.</exception>
    public async Task<bool> StartAsync(string rabbitMq)
    {
        if (!File.Exists(Program("engine")) || !Environment.IsPrivilegedProcess)
            return false;
        Output.Say("\n==== Docker engine and images");
        _isStarted = true;
        var log = Path.Combine(state, "engine.log");
        if (await new Command(Program("engine"), "start", _engine) { Folder = Repository.Root, Log = log }.RunAsync(cancellation) != 0)
            throw new ToolException($"The engine did not start: see {log}");
        Environment.SetEnvironmentVariable("DOCKER_HOST", $"unix://{_engine}/sock");
        var images = Path.Combine(state, "stand-ins");
        if (await RunAsync(images, "--from", "compose.yaml", "compose.cluster.yaml", "Dockerfile") != 0 || await RunAsync(images, $"rabbitmq:{rabbitMq}-management") != 0)
            throw new ToolException($"The images are not available: see above and {log}");
        return true;
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        if (_isStarted)
            await new Command(Program("engine"), "stop", _engine) { Folder = Repository.Root }.RunAsync(CancellationToken.None);
    }

    private static string Program(string name) => Path.GetFullPath(Path.Combine(Repository.Root, Folder, name));

    private Task<int> RunAsync(params string[] arguments) => new Command(Program("stand-ins"), arguments) { Folder = Repository.Root }.RunAsync(cancellation);
}
