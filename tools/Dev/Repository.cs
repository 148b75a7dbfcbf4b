namespace WorkinIt.Dev;

/// <summary>The folder of the source tree.</summary>
internal static class Repository
{
    /// <summary>The folder that contains WorkinIt.sln.</summary>
    public static string Root { get; } = Find();

    /// <summary>The folder of everything that is built.</summary>
    public static string Artifacts => Path.Combine(Root, "artifacts");

    /// <summary>The folder with the files for a private broker, and with the mail catcher.</summary>
    public static string Dev => Path.Combine(Root, "dev");

    private static string Find()
    {
        var folder = AppContext.BaseDirectory;
        while (folder is not null && !File.Exists(Path.Combine(folder, "WorkinIt.sln")))
            folder = Path.GetDirectoryName(folder);
        return folder ?? throw new ToolException("No folder above the tool contains WorkinIt.sln.");
    }
}
