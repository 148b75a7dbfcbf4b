namespace WorkinIt.Testbed;

/// <summary>Where the sources stand.</summary>
public static class Repository
{
    /// <summary>The folder of WorkinIt.sln.</summary>
    public static string Root { get; } = Find();

    private static string Find()
    {
        var folder = AppContext.BaseDirectory;
        while (folder is not null && !File.Exists(Path.Combine(folder, "WorkinIt.sln")))
            folder = Path.GetDirectoryName(folder);
        return folder ?? throw new InvalidOperationException("WorkinIt.sln is in no folder above the tests");
    }
}
