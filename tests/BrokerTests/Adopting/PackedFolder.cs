using System.Diagnostics;
using System.Text.RegularExpressions;
using WorkinIt.Dev;

namespace WorkinIt.BrokerTests.Adopting;

/// <summary>A folder of another team, outside of the repository. Its only package source is the folder of the packed packages; packages of others come from the machine's cache.</summary>
public sealed partial class PackedFolder : IDisposable
{
    private readonly string _cache;

    internal PackedFolder(string feed, string cache)
    {
        _cache = cache;
        var sources = $"""
            <configuration>
              <packageSources><clear /><add key="packed" value="{feed}" /></packageSources>
              <fallbackPackageFolders><add key="machine" value="{MachinePackages}" /></fallbackPackageFolders>
            </configuration>
            """;
        Write("NuGet.config", sources);
        Write(".nuget/NuGet/NuGet.Config", sources); // for a process whose home is this folder
        Write("global.json", File.ReadAllText(System.IO.Path.Combine(Repository.Root, "global.json")));
    }

    /// <summary>The machine's cache of packages.</summary>
    public static string MachinePackages => Environment.GetEnvironmentVariable("NUGET_PACKAGES") is { Length: > 0 } set
        ? set : System.IO.Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".nuget", "packages");

    public string Path { get; } = Directory.CreateTempSubdirectory("workinit-developer-").FullName;

    /// <summary>The environment of each command that runs here.</summary>
    public IReadOnlyDictionary<string, string> Settings => new Dictionary<string, string>
    {
        ["NUGET_PACKAGES"] = _cache, // packages of this build must not stay in the machine's cache
        ["NuGetAudit"] = "false", // it asks nuget.org
        ["MSBUILDDISABLENODEREUSE"] = "1", // no process outlives the test
        ["UseSharedCompilation"] = "false",
        ["DOTNET_CLI_TELEMETRY_OPTOUT"] = "1",
        ["DOTNET_CLI_UI_LANGUAGE"] = "en",
        ["DOTNET_GENERATE_ASPNET_CERTIFICATE"] = "false",
        ["DOTNET_NOLOGO"] = "1",
    };

    public void Write(string file, string text)
    {
        var path = System.IO.Path.Combine(Path, file);
        Directory.CreateDirectory(System.IO.Path.GetDirectoryName(path)!);
        File.WriteAllText(path, text);
    }

    /// <summary>Copies a sample application, with packages instead of references to projects of the repository.</summary>
    /// <param name="name">Its folder below <c>samples</c>.</param>
    public void CopySample(string name)
    {
        var sample = System.IO.Path.Combine(Repository.Root, "samples", name);
        foreach (var file in Directory.EnumerateFiles(sample, "*", SearchOption.AllDirectories).Where(file => file.EndsWith(".cs", StringComparison.Ordinal) || file.EndsWith(".cshtml", StringComparison.Ordinal) || (file.EndsWith(".json", StringComparison.Ordinal) && !file.EndsWith("packages.lock.json", StringComparison.Ordinal))))
            Write(System.IO.Path.Combine(name, System.IO.Path.GetRelativePath(sample, file)), File.ReadAllText(file));
        var project = ProjectReferences().Replace(File.ReadAllText(System.IO.Path.Combine(sample, $"{name}.csproj")), $"<PackageReference Include=\"WorkinIt.$1\" VersionOverride=\"{Packages.Version}\" />");
        // A sample is an application, not a library: its analyzers are not what this is about.
        Write(System.IO.Path.Combine(name, $"{name}.csproj"), project.Replace("<AssemblyName>", "<AnalysisMode>Default</AnalysisMode><AssemblyName>", StringComparison.Ordinal));
    }

    /// <summary>Writes the properties that projects of the repository rely on: the framework, warnings as errors, and the versions of packages that the machine has.</summary>
    public void WriteBuildFiles()
    {
        Write("Directory.Packages.props", File.ReadAllText(System.IO.Path.Combine(Repository.Root, "Directory.Packages.props")));
        Write("Directory.Build.props", """
            <Project>
              <PropertyGroup>
                <TargetFramework>net10.0</TargetFramework>
                <Nullable>enable</Nullable>
                <ImplicitUsings>enable</ImplicitUsings>
                <TreatWarningsAsErrors>true</TreatWarningsAsErrors>
                <AnalysisMode>All</AnalysisMode>
                <EnforceCodeStyleInBuild>true</EnforceCodeStyleInBuild>
              </PropertyGroup>
            </Project>
            """);
    }

    /// <summary>Runs a command.</summary>
    /// <param name="below">The folder below this one where it runs.</param>
    /// <param name="command">The program.</param>
    /// <param name="arguments">Its arguments.</param>
    /// <param name="settings">Environment variables in addition to <see cref="Settings"/>.</param>
    public Task<ProcessResult> RunAsync(string below, string command, string[] arguments, IReadOnlyDictionary<string, string>? settings = null)
    {
        var start = new ProcessStartInfo(command, arguments) { WorkingDirectory = System.IO.Path.Combine(Path, below) };
        foreach (var (name, value) in Settings.Concat(settings ?? new Dictionary<string, string>()))
            start.Environment[name] = value;
        return ProcessResult.OfAsync(start);
    }

    public void Dispose() => Directory.Delete(Path, recursive: true);

    [GeneratedRegex("""<ProjectReference Include="[^"]*/([\w.]+)\.csproj" />""")]
    private static partial Regex ProjectReferences();
}
