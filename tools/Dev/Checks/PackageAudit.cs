using System.Text.Json;
using System.Text.RegularExpressions;
using WorkinIt.Dev.Machine;
using WorkinIt.Dev.Processes;

namespace WorkinIt.Dev.Checks;

/// <summary>
/// dev/audit. Each restore audits the NuGet packages, transitive ones too, and reports a finding as an error (NU1901 to NU1904). npm audit does it
/// for npm. Both query the registry, and find nothing if the registry has no vulnerability data. So this command checks that first, and reports it.
/// </summary>
internal static partial class PackageAudit
{
    /// <summary>The exit code if nothing was found, but not all registries could be queried.</summary>
    public const int NotAllChecked = 3;

    private const string Usage = """
        dev/audit: checks the packages that we use for known vulnerabilities.

        Exit code 0: no known vulnerability; 1: a known vulnerability, or the check failed; 3: none found, but not all registries could be queried.
        """;

    private static readonly HttpClient _client = new(new SocketsHttpHandler { AutomaticDecompression = System.Net.DecompressionMethods.All }) { Timeout = TimeSpan.FromSeconds(30) };

    /// <summary>Runs the command.</summary>
    /// <returns>The exit code.</returns>
    public static async Task<int> RunAsync(string[] arguments)
    {
        if (arguments is ["--help" or "-h"])
            return Verbs.Help(Usage);
        if (arguments.Length > 0)
            return Verbs.WrongUsage(Usage);
        await DotnetSdk.RequireAsync();
        await NodePackages.RequireNodeAsync();
        var isComplete = await HasNuGetDataAsync();
        if (isComplete)
            await AuditNuGetAsync();
        foreach (var folder in Directory.GetDirectories(Repository.Dev).Where(folder => File.Exists(Path.Combine(folder, "package-lock.json"))).Order(StringComparer.Ordinal))
            isComplete &= await AuditNpmAsync(folder);
        return isComplete ? 0 : NotAllChecked;
    }

    // One source with vulnerability data is enough: NuGet queries all of them.
    private static async Task<bool> HasNuGetDataAsync()
    {
        var sources = await new Command("dotnet", "nuget", "list", "source", "--format", "short") { Folder = Repository.Root }.CaptureAsync();
        foreach (Match source in EnabledSource().Matches(sources.Output))
        {
            try
            {
                if (!(await _client.GetStringAsync(new Uri(source.Groups[1].Value))).Contains("\"VulnerabilityInfo/", StringComparison.Ordinal))
                    continue;
                Output.Say("NuGet: a source has vulnerability data.");
                return true;
            }
            catch (Exception e) when (e is HttpRequestException or TaskCanceledException)
            {
                Output.Say($"NuGet: a source did not answer: {e.Message}");
            }
        }
        Output.Say("NOT CHECKED: no NuGet package source here has vulnerability data (VulnerabilityInfo in its index), so the audit of each restore finds nothing.");
        return false;
    }

    // It starts with a restore, which fails if there is a finding.
    private static async Task AuditNuGetAsync()
    {
        var found = await new Command("dotnet", "list", "WorkinIt.sln", "package", "--vulnerable", "--include-transitive") { Folder = Repository.Root }.CaptureAsync();
        if (!found.Succeeded || Finding().IsMatch(found.Output))
        {
            Output.Say(found.Output);
            throw new ToolException("A NuGet package has a known vulnerability, or the check failed: see above. Use a fixed version (Directory.Packages.props, then dotnet restore).");
        }
        Output.Say("NuGet: no package has a known vulnerability.");
    }

    private static async Task<bool> AuditNpmAsync(string folder)
    {
        var name = Path.GetRelativePath(Repository.Root, folder);
        var found = await new Command("npm", "audit", "--json") { Folder = folder }.CaptureAsync();
        if (found.Succeeded)
        {
            Output.Say($"npm: no package of {name} has a known vulnerability.");
            return true;
        }
        if (HasVulnerabilities(found.Output))
        {
            Output.Say(found.Output);
            throw new ToolException($"A package in {name}/package-lock.json has a known vulnerability: see above, and try npm audit fix.");
        }
        Output.Say($"NOT CHECKED: the npm registry here does not answer npm audit, so the packages of {name} were not checked.");
        return false;
    }

    private static bool HasVulnerabilities(string json)
    {
        try
        {
            using var report = JsonDocument.Parse(json);
            return report.RootElement.TryGetProperty("vulnerabilities", out _);
        }
        catch (JsonException)
        {
            return false;
        }
    }

    [GeneratedRegex("^E[A-Z]* (http.*?)\r?$", RegexOptions.Multiline)]
    private static partial Regex EnabledSource();

    [GeneratedRegex("^ *>", RegexOptions.Multiline)]
    private static partial Regex Finding();
}
