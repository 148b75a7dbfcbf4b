namespace WorkinIt.Dev.Building;

/// <summary>dev/publish.</summary>
internal static class PublishCommand
{
    private const string Usage = """
        dev/publish FOLDER [beforehand]: publishes Web, Consumers and Cli to FOLDER/Web, FOLDER/Consumers and FOLDER/Cli. Does nothing if nothing changed.
        "beforehand" compiles them ahead of time, as in the images: publishing takes longer, and they start faster.
        """;

    /// <summary>Runs the command.</summary>
    /// <returns>The exit code.</returns>
    public static async Task<int> RunAsync(string[] arguments)
    {
        switch (arguments)
        {
            case ["--help" or "-h"]:
                return Verbs.Help(Usage);
            case [{ Length: > 0 } folder]:
                await new Publisher(folder, beforehand: false).EnsureAsync(Publisher.All);
                return 0;
            case [{ Length: > 0 } folder, "beforehand"]:
                await new Publisher(folder, beforehand: true).EnsureAsync(Publisher.All);
                return 0;
            default:
                return Verbs.WrongUsage(Usage);
        }
    }
}
