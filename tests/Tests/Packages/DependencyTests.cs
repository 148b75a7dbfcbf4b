using System.Text.Json;
using System.Xml.Linq;
using WorkinIt.Dev;

namespace WorkinIt.Tests.Packages;

/// <summary>The packages in the lock files, including transitive ones: NuGet's of each project, and npm's of the tools.</summary>
public sealed class DependencyTests
{
    /// <summary>SPDX names of the licences that require neither payment nor the publication of our code.</summary>
    private static readonly string[] _free =
        ["0BSD", "Apache-2.0", "BlueOak-1.0.0", "BSD-2-Clause", "BSD-3-Clause", "CC0-1.0", "ISC", "MIT", "MIT-0", "MPL-2.0", "PostgreSQL"];

    /// <summary>Packages that don't name their licence in the usual field, each with the licence and where it was read.</summary>
    private static readonly Dictionary<string, string> _readByHand = new(StringComparer.Ordinal)
    {
        ["SQLite 3.53.4"] = "public domain: the package's LICENSE.txt",
        ["xmlhttprequest-ssl 2.1.2"] = "MIT: the deprecated field licenses in its package.json",
    };

    [Fact]
    public void Every_NuGet_package_has_a_free_licence()
    {
        var packages = FromNuGet().Distinct().ToList();
        packages.Count.ShouldBeGreaterThan(100);
        Unfree(packages.Select(package => ($"{package.Name} {package.Version}", LicenceOf(package)))).ShouldBeEmpty();
    }

    [Fact]
    public void Every_npm_package_has_a_free_licence()
    {
        var packages = LockFiles("package-lock.json").SelectMany(FromNpm).ToList();
        packages.Count.ShouldBeGreaterThan(100);
        Unfree(packages).ShouldBeEmpty();
    }

    [Theory]
    [InlineData("MIT", true)]
    [InlineData("(MIT OR EUPL-1.1+)", true)]
    [InlineData("Apache-2.0 AND MIT", true)]
    [InlineData("MIT AND GPL-3.0-only", false)]
    [InlineData("GPL-3.0-only OR SSPL-1.0", false)]
    [InlineData("a file: LICENSE.md", false)]
    [InlineData(null, false)]
    public void Licence_expression_is_classified_as_free_or_not_free(string? expression, bool free) => IsFree(expression).ShouldBe(free);

    /// <summary>8.5 is the last free release line of MassTransit; 9 requires a paid licence.</summary>
    [Fact]
    public void Only_version_8_5_of_MassTransit_is_used()
    {
        var masstransit = FromNuGet().Where(package => package.Name.StartsWith("MassTransit", StringComparison.OrdinalIgnoreCase)).ToList();
        masstransit.ShouldContain(package => package.Name == "MassTransit.RabbitMQ");
        masstransit.ShouldAllBe(package => package.Version.StartsWith("8.5.", StringComparison.Ordinal));
    }

    [Fact]
    public void Every_project_has_a_package_lock_file()
    {
        var projects = Files("*.csproj").ToList();
        projects.Count.ShouldBeGreaterThan(10);
        projects.Where(project => !File.Exists(Path.Combine(Path.GetDirectoryName(project)!, "packages.lock.json"))).ShouldBeEmpty();
    }

    private static IEnumerable<string> Unfree(IEnumerable<(string Package, string? Licence)> packages) =>
        packages.Where(each => !_readByHand.ContainsKey(each.Package) && !IsFree(each.Licence)).Select(each => $"{each.Package}: {each.Licence ?? "no licence"}");

    // An expression is free if one of its OR choices is; a choice may require several licences with AND.
    private static bool IsFree(string? expression) => expression is not null && expression.Trim('(', ')').Split(" OR ")
        .Any(choice => choice.Split(" AND ").All(licence => _free.Contains(licence, StringComparer.Ordinal)));

    private static IEnumerable<(string Name, string Version)> FromNuGet()
    {
        foreach (var file in LockFiles("packages.lock.json"))
        {
            using var json = JsonDocument.Parse(File.ReadAllText(file));
            foreach (var framework in json.RootElement.GetProperty("dependencies").EnumerateObject())
            {
                foreach (var package in framework.Value.EnumerateObject().Where(each => each.Value.GetProperty("type").GetString() != "Project"))
                    yield return (package.Name, package.Value.GetProperty("resolved").GetString()!);
            }
        }
    }

    private static string? LicenceOf((string Name, string Version) package)
    {
        var folder = Environment.GetEnvironmentVariable("NUGET_PACKAGES")
            ?? Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".nuget", "packages");
        var name = package.Name.ToLowerInvariant();
        var metadata = XDocument.Load(Path.Combine(folder, name, package.Version.ToLowerInvariant(), $"{name}.nuspec")).Root!.Elements().Single(element => element.Name.LocalName == "metadata");
        return metadata.Elements().FirstOrDefault(element => element.Name.LocalName == "license") switch
        {
            null => null, // it has a licenseUrl at most, whose page may change
            { } licence when licence.Attribute("type")?.Value == "expression" => licence.Value,
            { } licence => $"a file: {licence.Value}",
        };
    }

    private static List<(string Package, string? Licence)> FromNpm(string file)
    {
        using var json = JsonDocument.Parse(File.ReadAllText(file));
        return [.. json.RootElement.GetProperty("packages").EnumerateObject()
            .Where(each => each.Name.Length > 0) // the folder itself
            .Select(each => (
                $"{each.Name[(each.Name.LastIndexOf("node_modules/", StringComparison.Ordinal) + "node_modules/".Length)..]} {each.Value.GetProperty("version").GetString()}",
                each.Value.TryGetProperty("license", out var licence) ? licence.GetString() : null))];
    }

    private static List<string> LockFiles(string name) => [.. Files(name)];

    // Only files of this repository: no build output, no copies made by ./test, no files of packages.
    private static IEnumerable<string> Files(string pattern) => Directory.EnumerateDirectories(Repository.Root)
        .Where(folder => Path.GetFileName(folder) is "src" or "samples" or "tests" or "tools" or "docs" or "dev")
        .SelectMany(folder => Directory.EnumerateFiles(folder, pattern, SearchOption.AllDirectories))
        .Where(file => !file.Contains($"{Path.DirectorySeparatorChar}node_modules{Path.DirectorySeparatorChar}", StringComparison.Ordinal));
}
