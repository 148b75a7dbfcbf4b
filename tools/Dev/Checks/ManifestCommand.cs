using WorkinIt.Dev.Machine;
using WorkinIt.Dev.Processes;

namespace WorkinIt.Dev.Checks;

/// <summary>dev/kubernetes/check.</summary>
internal static class ManifestCommand
{
    private const string Usage =
        "dev/kubernetes/check FILE…: validates these manifests against Kubernetes' schemas. tests/Tests/Kubernetes checks what the schemas don't cover.";

    /// <summary>Runs the command.</summary>
    /// <returns>The exit code.</returns>
    public static async Task<int> RunAsync(string[] arguments)
    {
        if (arguments.Length == 0)
            return Verbs.WrongUsage(Usage);
        var folder = Path.Combine(Repository.Dev, "kubernetes");
        await NodePackages.RequireNodeAsync();
        await new NodePackages(folder).InstallAsync("Kubernetes' schemas");
        return await new Command("node", [Path.Combine(folder, "manifest.mjs"), .. arguments]).RunAsync();
    }
}
