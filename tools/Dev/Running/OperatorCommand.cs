using WorkinIt.Dev.Building;
using WorkinIt.Dev.Machine;
using WorkinIt.Dev.Processes;

namespace WorkinIt.Dev.Running;

/// <summary>./workinit: the operator's command, for the system that ./run has started. With Docker it runs in Web's container, otherwise on this machine.</summary>
internal static class OperatorCommand
{
    /// <summary>Becomes the operator's command. Settings in the environment take precedence.</summary>
    /// <returns>Does not return if it succeeds.</returns>
    public static async Task<int> RunAsync(string[] arguments)
    {
        var operatorName = Settings.Get("WORKINIT_OPERATOR", Environment.UserName);
        if (await FindContainerAsync() is { } container)
        {
            string[] terminal = Console.IsInputRedirected || Console.IsOutputRedirected ? [] : ["-t"];
            CLibrary.Replace(
                Command.Find("docker")!,
                ["exec", "-i", .. terminal, "-e", $"WORKINIT_OPERATOR={operatorName}", container, "dotnet", "/app/WorkinIt.Cli.dll", .. arguments]);
        }
        var folder = RunCommand.RunFolder();
        await BuildAsync(folder);
        foreach (var (name, value) in SettingsOf(folder, operatorName))
            Environment.SetEnvironmentVariable(name, value);
        CLibrary.Replace(Command.Find("dotnet")!, [Path.Combine(folder, "bin", "Cli", "WorkinIt.Cli.dll"), .. arguments]);
        return 1;
    }

    /// <summary>Publishes the command if its sources have changed.</summary>
    public static async Task BuildAsync(string runFolder, CancellationToken cancellation = default)
    {
        Directory.CreateDirectory(Path.Combine(runFolder, "logs"));
        await new Publisher(Path.Combine(runFolder, "bin"), beforehand: true, analyzers: false).EnsureAsync(["Cli"], Path.Combine(runFolder, "logs", "cli-build.log"), cancellation);
    }

    private static Dictionary<string, string> SettingsOf(string folder, string operatorName) => new()
    {
        ["ConnectionStrings__RabbitMq"] = Settings.Get("ConnectionStrings__RabbitMq", $"amqp://replay:replay@localhost:{Settings.Get("WORKINIT_AMQP_PORT", "5672")}"),
        ["RabbitMqManagement__Url"] = Settings.Get("RabbitMqManagement__Url", $"http://localhost:{Settings.Get("WORKINIT_MANAGEMENT_PORT", "15672")}"),
        ["ConnectionStrings__Submissions"] = Settings.Get("ConnectionStrings__Submissions", $"Data Source={folder}/submissions.db"),
        ["ConnectionStrings__Deliveries"] = Settings.Get("ConnectionStrings__Deliveries", $"Data Source={folder}/deliveries.db"),
        ["ConnectionStrings__Catalogue"] = Settings.Get("ConnectionStrings__Catalogue", $"Data Source={folder}/dead-letters.db"),
        ["OptOut__Secret"] = Settings.OptOutSecret,
        ["DeadLetters__AuditFile"] = Settings.Get("DeadLetters__AuditFile", $"{folder}/dead-letters-audit.jsonl"),
        ["WORKINIT_OPERATOR"] = operatorName,
    };

    // Web's container, started by this folder's compose.yaml.
    private static async Task<string?> FindContainerAsync()
    {
        if (Settings.Find("ConnectionStrings__RabbitMq") is not null || Settings.Find("ConnectionStrings__DeadLetters") is not null || !Command.Exists("docker"))
            return null;
        var found = await new Command(
            "docker", "ps", "-q", "--filter", "label=com.docker.compose.service=web", "--filter", $"label=com.docker.compose.project.working_dir={Repository.Root}")
            .CaptureAsync(TimeSpan.FromSeconds(5));
        return found.Output.Split('\n')[0].Trim() is { Length: > 0 } container ? container : null;
    }
}
