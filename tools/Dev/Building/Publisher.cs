using WorkinIt.Dev.Machine;
using WorkinIt.Dev.Processes;

namespace WorkinIt.Dev.Building;

/// <summary>Publishes the services to FOLDER/Web, FOLDER/Consumers, FOLDER/Cli and FOLDER/DeadLetters.Server, if something has changed.</summary>
/// <param name="folder">The folder.</param>
/// <param name="beforehand">Compiles ahead of time, as in the images: publishing takes longer, and the services start faster.</param>
/// <param name="analyzers">Runs the analyzers, as every check must. They double the time of the compiler, and do not change what is published.</param>
/// <param name="isUrgent">Whether somebody waits for the result. If not, the build has the lowest priority.</param>
internal sealed class Publisher(string folder, bool beforehand, bool analyzers = true, bool isUrgent = true)
{
    /// <summary>All services.</summary>
    public static IReadOnlyList<string> All { get; } = ["Web", "Consumers", "Cli", "DeadLetters.Server"];

    // The same with and without compiling ahead of time, so that the second build finds the assemblies of the first.
    private static readonly string[] _thisPlatform = ["-p:UseCurrentRuntimeIdentifier=true", "-p:SelfContained=false"];

    /// <summary>The options that compile ahead of time.</summary>
    public static IReadOnlyList<string> Beforehand { get; } = ["-p:PublishReadyToRun=true", .. _thisPlatform];

    /// <summary>
    /// The options of a build without analyzers, in a folder of its own: a later build with analyzers in the same folder would find everything up to
    /// date, and not run them.
    /// </summary>
    public static IReadOnlyList<string> WithoutAnalyzers { get; } = ["-p:RunAnalyzers=false", $"-p:ArtifactsPath={Path.Combine(Repository.Artifacts, "without-analyzers")}"];

    /// <summary>Returns whether services are published, and nothing has changed since.</summary>
    public bool IsCurrent(IReadOnlyList<string> projects) => Stale(projects, Sources()).Count == 0;

    /// <summary>Publishes services whose sources have changed.</summary>
    /// <param name="projects">The services.</param>
    /// <param name="log">The file for the output of the build; null prints it.</param>
    /// <param name="cancellation">Cancels the build.</param>
    /// <exception cref="ToolException">The build failed.</exception>
    public async Task EnsureAsync(IReadOnlyList<string> projects, string? log = null, CancellationToken cancellation = default)
    {
        if (IsCurrent(projects))
            return;
        await DotnetSdk.RequireAsync();
        using var turn = await BuildLock.TakeAsync(cancellation); // builds share artifacts/obj
        var sources = Sources();
        var stale = Stale(projects, sources);
        if (stale.Count == 0)
            return;
        Directory.CreateDirectory(folder);
        foreach (var project in stale)
        {
            File.Delete(StateOf(project)); // the build may fail half way
            if (Directory.Exists(Path.Combine(folder, project)))
                Directory.Delete(Path.Combine(folder, project), recursive: true);
        }
        foreach (var target in Targets(stale))
            await PublishAsync(target, log, cancellation);
        foreach (var project in stale)
            await File.WriteAllTextAsync(StateOf(project), sources, cancellation);
    }

    // One build for both services of ./run: it builds what they share once.
    private static IEnumerable<string> Targets(IReadOnlyList<string> projects) => projects.Contains("Web") && projects.Contains("Consumers")
        ? [Path.Combine(Repository.Dev, "services.slnf"), .. projects.Where(project => project is not ("Web" or "Consumers")).Select(ProjectFile)]
        : projects.Select(ProjectFile);

    private static string ProjectFile(string project) => Path.Combine(Repository.Root, "src", project);

    private async Task PublishAsync(string target, string? log, CancellationToken cancellation)
    {
        // Directory.Build.props uses PublishFolder. The option --output can't be used for several projects.
        string[] publish = ["dotnet", "publish", target, .. DotnetSdk.BuildFlags, .. Options, .. analyzers ? [] : WithoutAnalyzers, $"-p:PublishFolder={Path.GetFullPath(folder)}"];
        string[] words = isUrgent ? publish : ["nice", "-n", "19", .. publish];
        var command = new Command(words[0], words.Skip(1))
        {
            Folder = Repository.Root,
            Log = log,
        };
        if (await command.RunAsync(cancellation) == 0)
            return;
        if (log is not null)
            BuildOutput.WarnErrors(log);
        throw new ToolException(log is null ? "The build failed: see above." : $"The build failed. Full output: {log}");
    }

    private List<string> Stale(IReadOnlyList<string> projects, string sources) =>
        [.. projects.Where(project => !File.Exists(StateOf(project)) || File.ReadAllText(StateOf(project)) != sources || !Directory.Exists(Path.Combine(folder, project)))];

    private string StateOf(string project) => Path.Combine(folder, $".{project}.state");

    private IReadOnlyList<string> Options => beforehand ? Beforehand : _thisPlatform;

    private string Sources() => SourceState.Of(["src"], Options);
}
