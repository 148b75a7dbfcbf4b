using WorkinIt.BrokerTests.Adopting;

namespace WorkinIt.BrokerTests.DeadLetters;

/// <summary>
/// A developer's folder outside the repository: the sample application, built from the packed packages, and its test project. Its consumers have bugs.
/// </summary>
internal sealed class DeveloperFolder : IDisposable
{
    private readonly PackedFolder _folder;

    private DeveloperFolder(PackedFolder folder) => _folder = folder;

    /// <summary>The folder of the test project.</summary>
    public string Tests => Path.Combine(_folder.Path, "Orders.Tests");

    /// <summary>The built application.</summary>
    public string Application => Path.Combine(_folder.Path, "Orders", "bin", "Debug", "net10.0", "Orders.dll");

    /// <summary>The installed tool.</summary>
    public string Tool => Path.Combine(_folder.Path, "tool", "workinit");

    /// <summary>Installs the tool, and writes the application and an empty test project.</summary>
    /// <param name="packages">The packed packages.</param>
    /// <param name="consumers">Further consumers of the application, as C#.</param>
    public static async Task<DeveloperFolder> CreateAsync(Packages packages, string consumers)
    {
        var folder = await packages.CreateFolderAsync();
        (await folder.RunAsync("", "dotnet", ["tool", "install", "workinit", "--prerelease", "--tool-path", "tool"])).ShouldSucceed();
        folder.WriteBuildFiles();
        folder.CopySample("Orders");
        folder.Write("Orders/MoreConsumers.cs", consumers);
        folder.Write("Orders.Tests/Orders.Tests.csproj", """
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
        return new DeveloperFolder(folder);
    }

    public void Write(string file, string text) => _folder.Write(file, text);

    /// <summary>Replaces text in a source file of the application.</summary>
    public void Change(string file, string before, string after)
    {
        var path = Path.Combine(_folder.Path, file);
        var text = File.ReadAllText(path);
        text.ShouldContain(before);
        File.WriteAllText(path, text.Replace(before, after, StringComparison.Ordinal));
    }

    /// <summary>Runs a command in the folder of the tests.</summary>
    public Task<ProcessResult> RunAsync(string command, string[] arguments, IReadOnlyDictionary<string, string>? settings = null) => _folder.RunAsync("Orders.Tests", command, arguments, settings);

    public void Dispose() => _folder.Dispose();
}
