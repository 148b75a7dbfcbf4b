using System.Diagnostics;
using WorkinIt.Dev;

[assembly: AssemblyFixture(typeof(WorkinIt.BrokerTests.Adopting.Packages))]

namespace WorkinIt.BrokerTests.Adopting;

/// <summary>The packages of this repository and the tool, packed once for all tests of a run, when the first test needs them.</summary>
public sealed class Packages : IDisposable
{
    /// <summary>Their version. That of the repository changes with each commit, so the packages could disagree.</summary>
    public const string Version = "0.1.0-test";

    private static readonly string[] _projects = ["Storage", "DeadLetters", "DeadLetters.MassTransit", "DeadLetters.Catalogue", "DeadLetters.Dashboard", "Cli"];

    private readonly Lazy<Task<string>> _feed;
    private string? _root;

    public Packages() => _feed = new Lazy<Task<string>>(PackAsync);

    /// <summary>The folder of the packages.</summary>
    public Task<string> FeedAsync() => _feed.Value;

    /// <summary>An empty folder outside of the repository, where <c>dotnet</c> finds these packages.</summary>
    public async Task<PackedFolder> CreateFolderAsync()
    {
        var feed = await FeedAsync();
        return new PackedFolder(feed, Path.Combine(_root!, "cache"));
    }

    public void Dispose()
    {
        if (_root is not null)
            Directory.Delete(_root, recursive: true);
    }

    private async Task<string> PackAsync()
    {
        _root = Directory.CreateTempSubdirectory("workinit-packages-").FullName;
        var (feed, script) = (Path.Combine(_root, "feed"), Path.Combine(_root, "pack.proj"));
        var projects = string.Join(';', _projects.Select(name => Path.Combine(Repository.Root, "src", name, $"{name}.csproj")));
        // One process: six times dotnet pack takes several times as long.
        await File.WriteAllTextAsync(script, $"""
            <Project>
              <ItemGroup><Packed Include="{projects}" /></ItemGroup>
              <Target Name="Pack">
                <MSBuild Projects="@(Packed)" Targets="Pack" Properties="Configuration=Release;NoBuild=true;_IsPacking=true;MinVerVersionOverride={Version};PackageOutputPath={feed}" />
              </Target>
            </Project>
            """);
        var start = new ProcessStartInfo("dotnet", ["msbuild", script, "-t:Pack", "-nodeReuse:false", "-verbosity:quiet"]) { WorkingDirectory = _root };
        (await ProcessResult.OfAsync(start)).ShouldSucceed();
        return feed;
    }
}
