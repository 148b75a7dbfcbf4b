using System.IO.Compression;
using System.Net;
using WorkinIt.BrokerTests.Adopting;
using WorkinIt.Testbed;

namespace WorkinIt.BrokerTests.DeadLetters;

[Trait("broker", "any")] // tests packages only
public sealed class NuGetPackageTests(Packages packages)
{
    [Fact]
    public async Task NuGet_packages_contain_readme_and_icon_and_the_tool_installs_and_runs()
    {
        var feed = await packages.FeedAsync();
        Directory.GetFiles(feed, "*.nupkg").Select(Id).Order(StringComparer.Ordinal).ShouldBe(
            ["WorkinIt.DeadLetters", "WorkinIt.DeadLetters.Catalogue", "WorkinIt.DeadLetters.Dashboard", "WorkinIt.DeadLetters.MassTransit", "WorkinIt.Storage", "workinit"]);
        Directory.GetFiles(feed, "*.snupkg").Length.ShouldBe(6);
        foreach (var package in Directory.GetFiles(feed, "*.nupkg"))
        {
            await using var zip = await ZipFile.OpenReadAsync(package);
            zip.Entries.Select(entry => entry.FullName).ShouldSatisfyAllConditions(it => it.ShouldContain("README.md"), it => it.ShouldContain("icon.png"));
            using var reader = new StreamReader(await zip.Entries.Single(entry => entry.FullName.EndsWith(".nuspec", StringComparison.Ordinal)).OpenAsync());
            var specification = await reader.ReadToEndAsync();
            specification.ShouldContain("<license type=\"expression\">MIT</license>");
            specification.ShouldNotContain("Package Description");
        }

        using var folder = await packages.CreateFolderAsync();
        var tool = Path.Combine(folder.Path, "tool", "workinit");
        (await folder.RunAsync("", "dotnet", ["tool", "install", "workinit", "--prerelease", "--tool-path", "tool"])).ShouldSucceed();
        await using var system = await WorkinItSystem.CreateAsync();
        await system.DeployAsync();
        var listed = await folder.RunAsync("", tool, ["dead-letters", "list"], new Dictionary<string, string>
        {
            ["ConnectionStrings__RabbitMq"] = system.VirtualHost.ConnectionString("replay"),
            ["RabbitMqManagement__Url"] = system.Broker.Management.BaseAddress!.ToString(),
        });
        listed.ShouldSucceed();
        listed.Output.ShouldContain("No dead letters");

        await using var serve = ServeProcess.Start(
            tool,
            ["dead-letters", "serve", "--broker", system.VirtualHost.ConnectionString("operator"), "--management", system.Broker.Management.BaseAddress!.ToString(), "--port", "0", "--no-browser"],
            new Dictionary<string, string>());
        using var client = await serve.EnterAsync();
        (await client.GetAsync("/dead-letters")).Text.ShouldContain("Dead letters");
        (await client.GetAsync("/dead-letters/assets/board.js")).Status.ShouldBe(HttpStatusCode.OK); // the pages bring their assets
        (await serve.InterruptAsync()).ShouldBe(0);
    }

    private static string Id(string package) => Path.GetFileNameWithoutExtension(package).Split(".0.")[0];
}
