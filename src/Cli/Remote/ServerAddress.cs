namespace WorkinIt.Cli.Remote;

/// <summary>Where a server's dead-letter pages are.</summary>
/// <param name="Pages">The address of the pages, with a slash at its end.</param>
/// <param name="Source">The source that the command line names; null: the only one that has the queue.</param>
internal sealed record ServerAddress(Uri Pages, string? Source)
{
    private const string UsualPath = "/dead-letters/";
    private const string ApiPath = "api/v1/";

    /// <summary>The address of the API, with a slash at its end.</summary>
    public Uri Api => new(Pages, ApiPath);

    /// <summary>The page on which tokens are made.</summary>
    public Uri Tokens => new(Pages, "tokens");

    /// <summary>Reads the address of the pages, of the API, or of a host that has the pages at the usual path.</summary>
    /// <param name="url">The value of <c>--server</c>.</param>
    /// <param name="source">The value of <c>--source</c>.</param>
    /// <param name="allowsHttp">Whether the token may be sent unencrypted to another machine.</param>
    /// <exception cref="WrongUsageException">It is not an address that a token may be sent to.</exception>
    public static ServerAddress Parse(string url, string? source, bool allowsHttp)
    {
        if (!Uri.TryCreate(url, UriKind.Absolute, out var address) || (address.Scheme != Uri.UriSchemeHttps && address.Scheme != Uri.UriSchemeHttp))
            throw new WrongUsageException("--server must be the address of the dead-letter pages, such as https://shop.example.com/dead-letters");
        if (address.UserInfo.Length > 0 || address.Query.Length > 0 || address.Fragment.Length > 0)
            throw new WrongUsageException($"--server must not contain a user, a password, a query or a fragment: the token is in {ServerOptions.TokenSetting}");
        if (address.Scheme == Uri.UriSchemeHttp && !address.IsLoopback && !allowsHttp)
            throw new WrongUsageException($"--server: http:// would send the token unencrypted to {address.Host}. Use https://, or add --allow-http if the network is trusted");
        var path = address.AbsolutePath == "/" ? UsualPath : address.AbsolutePath.TrimEnd('/') + "/";
        if (path.EndsWith("/" + ApiPath, StringComparison.Ordinal))
            path = path[..^ApiPath.Length];
        return new ServerAddress(new Uri(address, path), source);
    }
}
