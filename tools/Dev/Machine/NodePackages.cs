using System.Globalization;
using WorkinIt.Dev.Processes;

namespace WorkinIt.Dev.Machine;

/// <summary>The npm packages of a folder with a package-lock.json.</summary>
/// <param name="folder">The folder.</param>
internal sealed class NodePackages(string folder)
{
    private static readonly Lazy<Task> _node = new(FindNodeAsync);

    private readonly string _lock = Path.Combine(folder, "package-lock.json");
    private readonly string _installed = Path.Combine(folder, "node_modules", ".installed");

    /// <summary>Fails if Node.js or npm is missing or too old.</summary>
    public static Task RequireNodeAsync() => _node.Value;

    /// <summary>Installs the packages of package-lock.json, if they are missing.</summary>
    /// <param name="what">What they are for, printed before an installation.</param>
    /// <param name="cancellation">Cancels the installation.</param>
    public async Task InstallAsync(string what, CancellationToken cancellation = default)
    {
        if (IsInstalled())
            return;
        await RequireNodeAsync();
        // Locked, because ./run and ./test may install them at the same time. The lock is outside node_modules, which npm replaces.
        using var taken = await FileLock.TakeAsync(Path.Combine(Repository.Artifacts, $".npm-{Path.GetFileName(folder)}.lock"), cancellation);
        if (IsInstalled())
            return;
        Output.Say($"Installing {what} (npm ci) …");
        var code = await new Command("npm", "ci", "--no-audit", "--no-fund", "--loglevel=error") { Folder = folder }.RunAsync(cancellation);
        if (code != 0)
            throw new ToolException($"npm ci failed in {folder}. It needs the npm registry: see the lines above.");
        File.Copy(_lock, _installed, overwrite: true);
    }

    private bool IsInstalled() => File.Exists(_installed) && File.ReadAllBytes(_installed).AsSpan().SequenceEqual(File.ReadAllBytes(_lock));

    private static async Task FindNodeAsync()
    {
        if (Command.Exists("node") && Command.Exists("npm"))
        {
            var version = (await new Command("node", "--version").CaptureAsync()).Output.Trim().TrimStart('v').Split('.')[0];
            if (int.TryParse(version, NumberStyles.None, CultureInfo.InvariantCulture, out var major) && major >= 20)
                return;
        }
        throw new ToolException("Node.js 20 or later with npm is missing. The mail catcher needs it: install it from https://nodejs.org and start again.");
    }
}
