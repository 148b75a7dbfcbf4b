using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using WorkinIt.Dev.Machine;

namespace WorkinIt.Dev.Building;

/// <summary>Everything that a build depends on, as a hash of names, sizes and times. Times alone would miss a deleted file.</summary>
internal static class SourceState
{
    private static readonly string[] _files = ["global.json", ".editorconfig", "WorkinIt.sln"];

    /// <summary>Computes the hash.</summary>
    /// <param name="folders">Folders with sources, relative to the root.</param>
    /// <param name="options">Options of the build.</param>
    public static string Of(IEnumerable<string> folders, params IEnumerable<string> options)
    {
        var files = folders.SelectMany(folder => new DirectoryInfo(Path.Combine(Repository.Root, folder)).EnumerateFiles("*", SearchOption.AllDirectories))
            .Concat(new DirectoryInfo(Repository.Root).EnumerateFiles("Directory.*.props"))
            .Concat(_files.Select(name => new FileInfo(Path.Combine(Repository.Root, name))))
            .Select(file => string.Create(CultureInfo.InvariantCulture, $"{Path.GetRelativePath(Repository.Root, file.FullName)} {file.Length} {file.LastWriteTimeUtc.Ticks}"))
            .Order(StringComparer.Ordinal);
        return Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(string.Join('\n', [.. options, DotnetSdk.Installed(), .. files]))));
    }
}
