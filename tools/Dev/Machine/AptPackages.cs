using WorkinIt.Dev.Processes;

namespace WorkinIt.Dev.Machine;

/// <summary>Packages of Debian and Ubuntu.</summary>
internal static class AptPackages
{
    private const string Policy = "/usr/sbin/policy-rc.d";
    private static readonly string[] _patience = ["-o", "DPkg::Lock::Timeout=120", "-o", "Acquire::Retries=3"];

    /// <summary>
    /// Installs packages with apt-get. Their services are neither started nor enabled: this tool runs its own nodes, and a service would take their ports.
    /// </summary>
    /// <exception cref="ToolException">They can't be installed. The message shows the command to type.</exception>
    public static async Task InstallAsync(IReadOnlyCollection<string> packages, CancellationToken cancellation = default)
    {
        var names = string.Join(' ', packages);
        if (!Command.Exists("apt-get") || !Environment.IsPrivilegedProcess)
            throw new ToolException($"Missing: {names}. Install it (Debian, Ubuntu: sudo apt-get install --no-install-recommends {names}) and start again.");
        Output.Warn($"Installing {names} …");
        var ours = !File.Exists(Policy);
        if (ours)
        {
            await File.WriteAllTextAsync(Policy, "#!/bin/sh\nexit 101\n", cancellation);
            File.SetUnixFileMode(Policy, (UnixFileMode)0b111_101_101); // rwxr-xr-x
        }
        try
        {
            await RunAsync(["update", "-qq"], cancellation); // may fail for one of several sources, so only the install counts
            if (await RunAsync(["install", "-y", "-qq", "--no-install-recommends", .. packages], cancellation) != 0)
                throw new ToolException($"apt-get couldn't install {names}. Try: apt-get update && apt-get install --no-install-recommends {names}");
        }
        finally
        {
            if (ours)
                File.Delete(Policy);
        }
    }

    private static Task<int> RunAsync(string[] arguments, CancellationToken cancellation) =>
        new Command("apt-get", [.. _patience, .. arguments])
        {
            Log = "/dev/null",
            Variables = new Dictionary<string, string?> { ["DEBIAN_FRONTEND"] = "noninteractive" },
        }.RunAsync(cancellation);
}
