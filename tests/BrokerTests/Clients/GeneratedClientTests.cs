using WorkinIt.BrokerTests.Adopting;
using WorkinIt.Testbed;

namespace WorkinIt.BrokerTests.DeadLetters;

/// <summary>A program of another team that knows only the API document: Kiota generates a client from it, and the program uses that.</summary>
[Trait("broker", "any")] // tests the document; ApiOperationTests covers the broker on each version
public sealed class GeneratedClientTests(Packages packages)
{
    private const string KiotaVersion = "1.38.0"; // that of the project file

    [Fact]
    public async Task Client_generated_from_the_API_document_takes_an_incident_from_its_cause_to_the_outcome_of_each_message()
    {
        await using var orders = await Orders.CreateAsync();
        await orders.PutFaultsAsync(8, causes: 2);
        await using var application = await ReportingApplication.StartAsync(orders, number => number == 2 ? Handling.Fails : Handling.Succeeds);
        await using var site = await CatalogueSite.StartOverAsync(hasCatalogue: true, null, ("shop", orders.Options with { OutcomeWait = TimeSpan.FromSeconds(5) }));
        var (_, token) = await site.MakeTokenAsync();
        using var api = new ApiClient(site.Address, token);
        using var folder = await packages.CreateFolderAsync();

        folder.Write("openapi.json", (await api.GetAsync("openapi.json")).Text);
        var generated = await GenerateAsync(folder);
        generated.ShouldSucceed();
        generated.Output.ShouldNotContain("warn", Case.Insensitive);
        await BuildAsync(folder);
        await Eventually.SeeAsync(() => api.GetAsync("causes"), answer => answer["letters"] == "8", "all dead letters are in the catalogue");
        var run = await folder.RunAsync("Client", "dotnet", [Path.Combine("bin", "Debug", "net10.0", "Client.dll"), new Uri(site.Address, "/dead-letters/api/v1").ToString(), token]);

        run.ShouldSucceed();
        run.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries).ShouldBe(
        [
            "4 of 8 failed with System.TimeoutException in orders_error",
            "the first two of them: 2, next page: True, state: There, revealed: False, left at: never",
            "dry run: 4 of 4 would be moved, target orders",
            "sent again, the same operation: True",
            "Ended: 3 handled, 1 failed again; first: FailedAgain",
            $"audit: replay 4 at {DateTime.UtcNow:yyyy}",
            "exported: 5",
            "404 Dry run not found, dryRunId: Start a new dry run.",
        ]);
        await orders.SeeAsync(Orders.Error, 5);
    }

    private static Task<ProcessResult> GenerateAsync(PackedFolder folder)
    {
        var kiota = Path.Combine(PackedFolder.MachinePackages, "microsoft.openapi.kiota", KiotaVersion, "tools", "net10.0", "any", "kiota.dll");
        return folder.RunAsync(
            "", "dotnet", [kiota, "generate", "--language", "CSharp", "--openapi", "openapi.json", "--output", "Client/Generated", "--namespace-name", "Shop.DeadLetters", "--class-name", "DeadLettersClient", "--log-level", "Warning"],
            new Dictionary<string, string> { ["KIOTA_OFFLINE_ENABLED"] = "true", ["KIOTA_TELEMETRY_OPTOUT"] = "1" });
    }

    private static async Task BuildAsync(PackedFolder folder)
    {
        folder.WriteBuildFiles();
        folder.Write("Client/Program.cs", await File.ReadAllTextAsync(Path.Combine(AppContext.BaseDirectory, "Clients", "GeneratedClient.cs.txt")));
        folder.Write("Client/Client.csproj", """
            <Project Sdk="Microsoft.NET.Sdk">
              <PropertyGroup>
                <OutputType>Exe</OutputType>
                <AnalysisMode>Default</AnalysisMode>
              </PropertyGroup>
              <ItemGroup>
                <PackageReference Include="Microsoft.Kiota.Http.HttpClientLibrary" />
                <PackageReference Include="Microsoft.Kiota.Serialization.Form" />
                <PackageReference Include="Microsoft.Kiota.Serialization.Json" />
                <PackageReference Include="Microsoft.Kiota.Serialization.Multipart" />
                <PackageReference Include="Microsoft.Kiota.Serialization.Text" />
              </ItemGroup>
            </Project>
            """);
        (await folder.RunAsync("Client", "dotnet", ["build"])).ShouldSucceed();
    }
}
