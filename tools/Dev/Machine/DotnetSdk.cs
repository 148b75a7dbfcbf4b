using WorkinIt.Dev.Processes;

namespace WorkinIt.Dev.Machine;

/// <summary>The .NET SDK, with which this tool builds the services.</summary>
internal static class DotnetSdk
{
    /// <summary>The arguments of each build. They leave no build server running: nothing would stop it.</summary>
    public static IReadOnlyList<string> BuildFlags { get; } = ["-c", "Release", "-v", "minimal", "--disable-build-servers", "-p:UseSharedCompilation=false"];

    /// <summary>
    /// The names of the installed SDKs. A build depends on the one that global.json chooses; the list is read within a millisecond, while
    /// <c>dotnet --version</c> takes a tenth of a second.
    /// </summary>
    public static string Installed()
    {
        var folder = Path.Combine(Path.GetDirectoryName(CLibrary.RealPath(Command.Find("dotnet") ?? ""))!, "sdk");
        return Directory.Exists(folder) ? string.Join(' ', Directory.GetDirectories(folder).Select(Path.GetFileName).Order(StringComparer.Ordinal)) : "";
    }

    /// <summary>Fails if there is no SDK that global.json accepts.</summary>
    public static async Task RequireAsync()
    {
        if (!(await new Command("dotnet", "--version") { Folder = Repository.Root }.CaptureAsync()).Succeeded)
            throw new ToolException("The .NET SDK 10 is missing. Install it from https://dot.net/download (Debian, Ubuntu: dotnet-sdk-10.0) and start again.");
    }
}
