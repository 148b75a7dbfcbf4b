using System.Diagnostics;
using System.Text.RegularExpressions;
using WorkinIt.Dev;

namespace WorkinIt.BrokerTests.DeadLetters;

/// <summary>
/// A developer's folder outside the repository: the sample application, built from the packed packages, and its test project. Its consumers have bugs.
/// </summary>
internal sealed partial class DeveloperFolder : IDisposable
{
    private const string Version = "0.1.0-test"; // the version of the repository changes with each commit, so the packages could disagree

    private static readonly string[] _packages = ["Storage", "DeadLetters", "DeadLetters.MassTransit", "DeadLetters.Catalogue", "DeadLetters.Dashboard", "Cli"];

    private readonly string _root = Directory.CreateTempSubdirectory("workinit-developer-").FullName;

    /// <summary>The folder of the test project.</summary>
    public string Tests => Path.Combine(_root, "Orders.Tests");

    /// <summary>The built application.</summary>
    public string Application => Path.Combine(_root, "Orders", "bin", "Debug", "net10.0", "Orders.dll");

    /// <summary>The installed tool.</summary>
    public string Tool => Path.Combine(_root, "tool", "workinit");

    /// <summary>Packs the packages, installs the tool, and writes the application and an empty test project.</summary>
    /// <param name="consumers">Further consumers of the application, as C#.</param>
    public static async Task<DeveloperFolder> CreateAsync(string consumers)
    {
        var folder = new DeveloperFolder();
        foreach (var package in _packages.Where(package => Directory.Exists(Source("src", package))))
            (await folder.RunAsync("dotnet", ["pack", Source("src", package), "-c", "Release", "--no-build", $"-p:MinVerVersionOverride={Version}", "-o", Path.Combine(folder._root, "packages")])).ShouldSucceed();
        (await folder.RunAsync("dotnet", ["tool", "install", "workinit", "--prerelease", "--tool-path", Path.Combine(folder._root, "tool"), "--source", Path.Combine(folder._root, "packages")])).ShouldSucceed();
        folder.WriteSolution();
        folder.WriteApplication(consumers);
        folder.WriteTests();
        return folder;
    }

    public void Write(string file, string text)
    {
        var path = Path.Combine(_root, file);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllText(path, text);
    }

    /// <summary>Replaces text in a source file of the application.</summary>
    public void Change(string file, string before, string after)
    {
        var path = Path.Combine(_root, file);
        var text = File.ReadAllText(path);
        text.ShouldContain(before);
        File.WriteAllText(path, text.Replace(before, after, StringComparison.Ordinal));
    }

    /// <summary>Runs a command in the folder of the tests.</summary>
    public async Task<ProcessResult> RunAsync(string command, string[] arguments, IReadOnlyDictionary<string, string>? settings = null)
    {
        var start = new ProcessStartInfo(command, arguments) { RedirectStandardOutput = true, RedirectStandardError = true, WorkingDirectory = Directory.Exists(Tests) ? Tests : _root };
        start.Environment["NUGET_PACKAGES"] = Path.Combine(_root, "cache"); // packages of this build must not stay in the machine's cache
        start.Environment["MSBUILDDISABLENODEREUSE"] = "1"; // no process outlives the test
        start.Environment["UseSharedCompilation"] = "false";
        start.Environment["DOTNET_CLI_TELEMETRY_OPTOUT"] = "1";
        start.Environment["DOTNET_CLI_UI_LANGUAGE"] = "en";
        foreach (var (name, value) in settings ?? new Dictionary<string, string>())
            start.Environment[name] = value;
        using var process = Process.Start(start)!;
        var (output, errors) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        await process.WaitForExitAsync();
        return new ProcessResult(process.ExitCode, await output + await errors);
    }

    public void Dispose() => Directory.Delete(_root, recursive: true);

    private static string Source(params string[] path) => Path.Combine([Repository.Root, .. path]);

    private void WriteSolution()
    {
        var cache = Environment.GetEnvironmentVariable("NUGET_PACKAGES") is { Length: > 0 } set ? set : Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".nuget", "packages");
        Write("NuGet.config", $"""
            <configuration>
              <packageSources><add key="packed" value="{Path.Combine(_root, "packages")}" /></packageSources>
              <fallbackPackageFolders><add key="machine" value="{cache}" /></fallbackPackageFolders>
            </configuration>
            """);
        Write("global.json", File.ReadAllText(Source("global.json")));
        Write("Directory.Packages.props", File.ReadAllText(Source("Directory.Packages.props"))); // the versions that the machine has
        Write("Directory.Build.props", """
            <Project>
              <PropertyGroup>
                <TargetFramework>net10.0</TargetFramework>
                <Nullable>enable</Nullable>
                <ImplicitUsings>enable</ImplicitUsings>
                <TreatWarningsAsErrors>true</TreatWarningsAsErrors>
                <AnalysisMode>All</AnalysisMode>
                <EnforceCodeStyleInBuild>true</EnforceCodeStyleInBuild>
                <NuGetAudit>false</NuGetAudit>
              </PropertyGroup>
            </Project>
            """);
    }

    private void WriteApplication(string consumers)
    {
        var sample = Source("samples", "Orders");
        foreach (var file in Directory.GetFiles(sample, "*.cs").Concat(Directory.GetFiles(sample, "appsettings*.json")))
            Write(Path.Combine("Orders", Path.GetFileName(file)), File.ReadAllText(file));
        var project = ProjectReferences().Replace(File.ReadAllText(Path.Combine(sample, "Orders.csproj")), $"<PackageReference Include=\"WorkinIt.$1\" VersionOverride=\"{Version}\" />");
        // The sample is an application, not a library: its analyzers are not what this is about.
        Write(Path.Combine("Orders", "Orders.csproj"), project.Replace("<AssemblyName>", "<AnalysisMode>Default</AnalysisMode><AssemblyName>", StringComparison.Ordinal));
        Write(Path.Combine("Orders", "MoreConsumers.cs"), consumers);
    }

    private void WriteTests() => Write(Path.Combine("Orders.Tests", "Orders.Tests.csproj"), """
        <Project Sdk="Microsoft.NET.Sdk">
          <PropertyGroup>
            <OutputType>Exe</OutputType>
            <NoWarn>$(NoWarn);CA1515</NoWarn> <!-- xunit finds public classes only -->
            <IsTestProject>true</IsTestProject>
            <UseMicrosoftTestingPlatformRunner>true</UseMicrosoftTestingPlatformRunner>
          </PropertyGroup>
          <ItemGroup>
            <PackageReference Include="xunit.v3" />
            <ProjectReference Include="../Orders/Orders.csproj" />
          </ItemGroup>
        </Project>
        """);

    [GeneratedRegex("""<ProjectReference Include="[^"]*/([\w.]+)\.csproj" />""")]
    private static partial Regex ProjectReferences();
}

/// <summary>The result of a process.</summary>
/// <param name="Code">Its exit code.</param>
/// <param name="Output">Its output and errors.</param>
internal sealed record ProcessResult(int Code, string Output)
{
    public void ShouldSucceed() => Code.ShouldBe(0, Output);
}
