namespace WorkinIt.Testbed;

/// <summary>Locates the source tree.</summary>
public static class Repository
{
    /// <summary>The folder that contains WorkinIt.sln.</summary>
    public static string Root { get; } = Find();

    private static string Find()
    {
        var folder = AppContext.BaseDirectory;
        while (folder is not null && !File.Exists(Path.Combine(folder, "WorkinIt.sln")))
            folder = Path.GetDirectoryName(folder);
        return folder ?? throw new InvalidOperationException("No folder above the tests contains WorkinIt.sln");
    }
}
