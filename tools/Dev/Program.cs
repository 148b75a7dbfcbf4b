using WorkinIt.Dev.Benchmarks;
using WorkinIt.Dev.Brokers;
using WorkinIt.Dev.Building;
using WorkinIt.Dev.Checks;
using WorkinIt.Dev.Clusters;
using WorkinIt.Dev.Continuous;
using WorkinIt.Dev.Mail;
using WorkinIt.Dev.Running;
using WorkinIt.Dev.Testing;

namespace WorkinIt.Dev;

/// <summary>The tool behind ./run and the commands in dev. Each verb is the work of one of them; dev/tool starts it.</summary>
internal static class Program
{
    /// <summary>Runs a verb.</summary>
    /// <param name="arguments">The verb and its arguments.</param>
    /// <returns>The exit code.</returns>
    public static async Task<int> Main(string[] arguments)
    {
        // For everything that is started from here. A build server would outlive it.
        Environment.SetEnvironmentVariable("MSBUILDDISABLENODEREUSE", "1");
        Environment.SetEnvironmentVariable("DOTNET_CLI_TELEMETRY_OPTOUT", "1");
        Environment.SetEnvironmentVariable("DOTNET_NOLOGO", "1");
        try
        {
            return await RunAsync(arguments);
        }
        catch (ToolException e)
        {
            Output.Warn(e.Message);
            return e.ExitCode;
        }
    }

    private static Task<int> RunAsync(string[] arguments) => arguments switch
    {
        ["run", .. var rest] => RunCommand.RunAsync(rest),
        ["workinit", .. var rest] => OperatorCommand.RunAsync(rest),
        ["bench", .. var rest] => BenchCommand.RunAsync(rest),
        ["test", .. var rest] => TestCommand.RunAsync(rest),
        ["ci", .. var rest] => CiCommand.RunAsync(rest),
        ["audit", .. var rest] => PackageAudit.RunAsync(rest),
        ["manifest", .. var rest] => ManifestCommand.RunAsync(rest),
        ["broker", .. var rest] => BrokerCommand.RunAsync(rest),
        ["cluster", .. var rest] => ClusterCommand.RunAsync(rest),
        ["catcher", .. var rest] => CatcherCommand.RunAsync(rest),
        ["publish", .. var rest] => PublishCommand.RunAsync(rest),
        _ => throw new ToolException("dev/tool is started by ./run, ./workinit, ./bench and the commands in dev: use those.", 2),
    };
}
