using System.Diagnostics;
using System.IO.Compression;
using System.Net;
using WorkinIt.Dev;
using WorkinIt.Testbed;

namespace WorkinIt.BrokerTests.DeadLetters;

[Trait("broker", "any")] // tests packages only
public sealed class NuGetPackageTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("workinit-packages-").FullName;

    [Fact]
    public async Task NuGet_packages_contain_readme_and_icon_and_the_tool_installs_and_runs()
    {
        foreach (var project in new[] { "Storage", "DeadLetters", "DeadLetters.Catalogue", "DeadLetters.Dashboard", "DeadLetters.MassTransit", "Cli" })
            await RunAsync("dotnet", "pack", Path.Combine(Repository.Root, "src", project), "-c", "Release", "--no-build", "-o", _folder);

        Directory.GetFiles(_folder, "*.nupkg").Select(Id).Order(StringComparer.Ordinal).ShouldBe(
            ["WorkinIt.DeadLetters", "WorkinIt.DeadLetters.Catalogue", "WorkinIt.DeadLetters.Dashboard", "WorkinIt.DeadLetters.MassTransit", "WorkinIt.Storage", "workinit"]);
        Directory.GetFiles(_folder, "*.snupkg").Length.ShouldBe(6);
        foreach (var package in Directory.GetFiles(_folder, "*.nupkg"))
        {
            await using var zip = await ZipFile.OpenReadAsync(package);
            zip.Entries.Select(entry => entry.FullName).ShouldSatisfyAllConditions(it => it.ShouldContain("README.md"), it => it.ShouldContain("icon.png"));
            using var reader = new StreamReader(await zip.Entries.Single(entry => entry.FullName.EndsWith(".nuspec", StringComparison.Ordinal)).OpenAsync());
            var specification = await reader.ReadToEndAsync();
            specification.ShouldContain("<license type=\"expression\">MIT</license>");
            specification.ShouldNotContain("Package Description");
        }

        await RunAsync("dotnet", "tool", "install", "workinit", "--prerelease", "--tool-path", Path.Combine(_folder, "tool"), "--source", _folder);
        await using var system = await WorkinItSystem.CreateAsync();
        await system.DeployAsync();
        var listed = await RunAsync(Path.Combine(_folder, "tool", "workinit"), new Dictionary<string, string>
        {
            ["ConnectionStrings__RabbitMq"] = system.VirtualHost.ConnectionString("replay"),
            ["RabbitMqManagement__Url"] = system.Broker.Management.BaseAddress!.ToString(),
        }, "dead-letters", "list");
        listed.ShouldContain("No dead letters");

        await using var serve = ServeProcess.Start(
            Path.Combine(_folder, "tool", "workinit"),
            ["dead-letters", "serve", "--broker", system.VirtualHost.ConnectionString("operator"), "--management", system.Broker.Management.BaseAddress!.ToString(), "--port", "0", "--no-browser"],
            new Dictionary<string, string>());
        using var client = await serve.EnterAsync();
        (await client.GetAsync("/dead-letters")).Text.ShouldContain("Dead letters");
        (await client.GetAsync("/dead-letters/assets/board.js")).Status.ShouldBe(HttpStatusCode.OK); // the pages bring their assets
        (await serve.InterruptAsync()).ShouldBe(0);
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private static string Id(string package) => Path.GetFileNameWithoutExtension(package).Split(".0.")[0];

    private static Task<string> RunAsync(string command, params string[] arguments) => RunAsync(command, [], arguments);

    private static async Task<string> RunAsync(string command, Dictionary<string, string> settings, params string[] arguments)
    {
        var start = new ProcessStartInfo(command, arguments) { RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (var (name, value) in settings)
            start.Environment[name] = value;
        using var process = Process.Start(start)!;
        var (output, errors) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        await process.WaitForExitAsync();
        process.ExitCode.ShouldBe(0, await output + await errors);
        return await output;
    }
}
