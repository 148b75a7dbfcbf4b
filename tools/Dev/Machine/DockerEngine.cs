using WorkinIt.Dev.Processes;

namespace WorkinIt.Dev.Machine;

/// <summary>A Docker engine, by its command.</summary>
internal static class DockerEngine
{
    /// <summary>Returns whether an engine answers. A busy machine gets a second, longer try.</summary>
    public static async Task<bool> AnswersAsync() =>
        Command.Exists("docker") && (await AnswersAsync(TimeSpan.FromSeconds(5)) || await AnswersAsync(TimeSpan.FromSeconds(20)));

    /// <summary>Returns the command of Docker Compose, or null if it is missing.</summary>
    public static async Task<IReadOnlyList<string>?> ComposeAsync()
    {
        if (Command.Exists("docker") && (await DockerAsync("compose", "version")).Succeeded)
            return ["docker", "compose"];
        return Command.Exists("docker-compose") ? ["docker-compose"] : null;
    }

    /// <summary>Runs docker and returns its output.</summary>
    public static Task<CommandOutput> DockerAsync(params IEnumerable<string> arguments) => new Command("docker", arguments).CaptureAsync();

    /// <summary>Runs docker and returns its output without the last line break.</summary>
    /// <exception cref="ToolException">It failed.</exception>
    public static async Task<string> RequireAsync(params IReadOnlyList<string> arguments)
    {
        var result = await DockerAsync(arguments);
        return result.Succeeded ? result.Output.TrimEnd() : throw new ToolException($"docker {string.Join(' ', arguments)} failed: {result.Errors.TrimEnd()}");
    }

    private static async Task<bool> AnswersAsync(TimeSpan within) => (await new Command("docker", "info").CaptureAsync(within)).Succeeded;
}
