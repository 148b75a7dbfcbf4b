using System.Security.Cryptography;
using Microsoft.AspNetCore.Http;
using Microsoft.Net.Http.Headers;

namespace WorkinIt.DeadLetters.Dashboard.Shared;

/// <summary>Serves the style sheet, the script and the icon from the assembly. Their address contains their hash, so a cached copy stays valid.</summary>
internal static class Asset
{
    private static readonly Dictionary<string, (byte[] Bytes, string Version)> _assets = new[] { "dead-letters.css", "dead-letters.js", "dead-letters.svg", "board.css", "board.js" }.ToDictionary(file => file, Read);

    public static string Version(string file) => _assets[file].Version;

    public static Func<PageContext, Task<IResult>> ServeAsync(string file, string contentType) => page =>
    {
        var (bytes, version) = _assets[file];
        var isCurrent = page.Http.Request.Query["v"] == version;
        page.Http.Response.Headers.CacheControl = isCurrent ? "private, max-age=31536000, immutable" : "no-cache";
        return Task.FromResult<IResult>(TypedResults.Bytes(bytes, contentType, entityTag: new EntityTagHeaderValue($"\"{version}\"")));
    };

    private static (byte[] Bytes, string Version) Read(string file)
    {
        using var stream = typeof(Asset).Assembly.GetManifestResourceStream(file)!;
        var bytes = new byte[stream.Length];
        stream.ReadExactly(bytes);
        return (bytes, Convert.ToHexStringLower(SHA256.HashData(bytes).AsSpan(0, 6)));
    }
}
