using WorkinIt.Dev.Building;

namespace WorkinIt.Dev.Running;

/// <summary>
/// The services of ./run. The first start after a change uses the plain build. While the services run, they are compiled ahead of time for the next
/// start, which is faster then.
/// </summary>
/// <param name="folder">The folder for the state of ./run.</param>
internal sealed class RunBuild(string folder)
{
    private static readonly string[] _projects = ["Web", "Consumers"];

    private readonly Publisher _plain = new(Path.Combine(folder, "bin"), beforehand: false, analyzers: false);
    private readonly Publisher _compiled = new(Path.Combine(folder, "bin"), beforehand: true, analyzers: false);
    private readonly Publisher _next = new(Path.Combine(folder, "bin.next"), beforehand: true, analyzers: false, isUrgent: false);

    /// <summary>Publishes the services, if their sources have changed. No service may be running.</summary>
    /// <param name="cancellation">Cancels the build.</param>
    /// <exception cref="ToolException">The build failed.</exception>
    public async Task EnsureAsync(CancellationToken cancellation)
    {
        if (_next.IsCurrent(_projects))
            TakeNext();
        if (!_compiled.IsCurrent(_projects))
            await _plain.EnsureAsync(_projects, Path.Combine(folder, "logs", "build.log"), cancellation);
    }

    /// <summary>Compiles the services ahead of time for the next start, if that has not been done.</summary>
    /// <param name="cancellation">Cancels the build.</param>
    /// <exception cref="ToolException">The build failed.</exception>
    public async Task PrepareNextAsync(CancellationToken cancellation)
    {
        if (!_compiled.IsCurrent(_projects))
            await _next.EnsureAsync(_projects, Path.Combine(folder, "logs", "build-ahead.log"), cancellation);
    }

    private void TakeNext()
    {
        foreach (var project in _projects)
        {
            var (from, to) = (Path.Combine(folder, "bin.next"), Path.Combine(folder, "bin"));
            Directory.CreateDirectory(to);
            File.Delete(Path.Combine(to, $".{project}.state")); // if ./run is killed here, the missing file causes a new build
            if (Directory.Exists(Path.Combine(to, project)))
                Directory.Delete(Path.Combine(to, project), recursive: true);
            Directory.Move(Path.Combine(from, project), Path.Combine(to, project));
            File.Move(Path.Combine(from, $".{project}.state"), Path.Combine(to, $".{project}.state"));
        }
    }
}
