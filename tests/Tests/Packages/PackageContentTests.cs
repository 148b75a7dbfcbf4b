using System.Diagnostics;
using System.IO.Compression;
using System.Xml.Linq;
using WorkinIt.Dev;

namespace WorkinIt.Tests.Packages;

/// <summary>The NuGet packages of the libraries, packed from the build that these tests use.</summary>
public sealed class PackageContentTests : IDisposable
{
    private const string Version = "9.8.7-test.1";

    private static readonly string[] _ofCatalogue =
        ["Dapper", "Microsoft.Data.Sqlite", "Npgsql", "FluentMigrator.Runner.SQLite", "FluentMigrator.Runner.Postgres", "SQLitePCLRaw.bundle_e_sqlite3", "MailKit", "MimeKit"];

    private readonly string _folder = Directory.CreateTempSubdirectory("workinit-packages-").FullName;

    [Fact]
    public async Task Library_package_contains_the_library_its_documentation_and_a_readme()
    {
        var metadata = await PackAsync("DeadLetters");

        Files("WorkinIt.DeadLetters", "nupkg").ShouldBe(["README.md", "icon.png", "lib/net10.0/WorkinIt.DeadLetters.dll", "lib/net10.0/WorkinIt.DeadLetters.xml"], ignoreOrder: true);
        Files("WorkinIt.DeadLetters", "snupkg").ShouldBe(["lib/net10.0/WorkinIt.DeadLetters.pdb"]);
        foreach (var (name, value) in new[] { ("version", Version), ("license", "MIT"), ("readme", "README.md"), ("icon", "icon.png") })
            Child(metadata, name).Value.ShouldBe(value);
        Child(metadata, "description").Value.ShouldContain("MassTransit");
        Dependencies(metadata).Keys.ShouldBe(["RabbitMQ.Client", "Refit"], ignoreOrder: true);
    }

    [Fact]
    public async Task Dashboard_package_contains_the_pages_and_requires_the_library_of_its_own_version()
    {
        var metadata = await PackAsync("DeadLetters.Dashboard");

        Files("WorkinIt.DeadLetters.Dashboard", "nupkg").ShouldBe(
            ["README.md", "icon.png", "lib/net10.0/WorkinIt.DeadLetters.Dashboard.dll", "lib/net10.0/WorkinIt.DeadLetters.Dashboard.xml"], ignoreOrder: true);
        Files("WorkinIt.DeadLetters.Dashboard", "snupkg").ShouldBe(["lib/net10.0/WorkinIt.DeadLetters.Dashboard.pdb"]);
        var dependencies = Dependencies(metadata);
        dependencies.Keys.ShouldBe(["DiffPlex", "WorkinIt.DeadLetters", "WorkinIt.DeadLetters.Catalogue", .. _ofCatalogue, "RabbitMQ.Client", "Refit"], ignoreOrder: true); // central pinning also lists what the libraries depend on
        dependencies["WorkinIt.DeadLetters"].ShouldBe(Version);
        dependencies["WorkinIt.DeadLetters.Catalogue"].ShouldBe(Version);
        metadata.Descendants().Single(element => element.Name.LocalName == "frameworkReference").Attribute("name")!.Value.ShouldBe("Microsoft.AspNetCore.App");
    }

    [Fact]
    public async Task Catalogue_package_requires_the_libraries_of_its_own_version()
    {
        var metadata = await PackAsync("DeadLetters.Catalogue");

        Files("WorkinIt.DeadLetters.Catalogue", "nupkg").ShouldBe(
            ["README.md", "icon.png", "lib/net10.0/WorkinIt.DeadLetters.Catalogue.dll", "lib/net10.0/WorkinIt.DeadLetters.Catalogue.xml"], ignoreOrder: true);
        var dependencies = Dependencies(metadata);
        dependencies["WorkinIt.DeadLetters"].ShouldBe(Version);
        dependencies["WorkinIt.Storage"].ShouldBe(Version);
    }

    [Fact]
    public async Task Package_for_applications_requires_MassTransit_and_no_other_part_of_WorkinIt()
    {
        var metadata = await PackAsync("DeadLetters.MassTransit");

        Files("WorkinIt.DeadLetters.MassTransit", "nupkg").ShouldBe(
            ["README.md", "icon.png", "lib/net10.0/WorkinIt.DeadLetters.MassTransit.dll", "lib/net10.0/WorkinIt.DeadLetters.MassTransit.xml"], ignoreOrder: true);
        var dependencies = Dependencies(metadata);
        dependencies.Keys.ShouldContain("MassTransit.RabbitMQ");
        dependencies.Keys.ShouldNotContain(name => name.StartsWith("WorkinIt", StringComparison.Ordinal));
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    /// <summary>Packs what is already built, with a version that no build has: MinVer's override, which an image build sets too.</summary>
    private async Task<XElement> PackAsync(string project)
    {
        var configuration = Path.GetFileName(Path.TrimEndingDirectorySeparator(AppContext.BaseDirectory));
        var start = new ProcessStartInfo("dotnet",
        [
            "pack", Path.Combine(Repository.Root, "src", project), "-c", configuration, "--no-build", "-o", _folder, "--disable-build-servers", "-nodeReuse:false",
        ])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.Environment["MinVerVersionOverride"] = Version;
        using var process = Process.Start(start)!;
        var (output, errors) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        await process.WaitForExitAsync();
        process.ExitCode.ShouldBe(0, await output + await errors);
        using var package = Open($"WorkinIt.{project}", "nupkg");
        await using var specification = await package.GetEntry($"WorkinIt.{project}.nuspec")!.OpenAsync();
        return Child((await XDocument.LoadAsync(specification, LoadOptions.None, default)).Root!, "metadata");
    }

    private ZipArchive Open(string id, string extension) => ZipFile.OpenRead(Path.Combine(_folder, $"{id}.{Version}.{extension}"));

    // Without the parts that make a zip file a package.
    private List<string> Files(string id, string extension)
    {
        using var package = Open(id, extension);
        return [.. package.Entries.Select(entry => entry.FullName).Where(file => file != $"{id}.nuspec" && !file.StartsWith("_rels/", StringComparison.Ordinal)
            && !file.StartsWith("package/", StringComparison.Ordinal) && file != "[Content_Types].xml")];
    }

    private static Dictionary<string, string> Dependencies(XElement metadata) => metadata.Descendants().Where(element => element.Name.LocalName == "dependency")
        .ToDictionary(element => element.Attribute("id")!.Value, element => element.Attribute("version")!.Value);

    private static XElement Child(XElement element, string name) => element.Elements().Single(child => child.Name.LocalName == name);
}
