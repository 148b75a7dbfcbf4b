using WorkinIt.Dev.Processes;

namespace WorkinIt.Dev.Testing;

/// <summary>A test program.</summary>
/// <param name="run">The run.</param>
internal sealed class TestProject(TestRun run)
{
    /// <summary>The part that moves dead letters between two brokers. Its tests are broker tests that need a Docker engine.</summary>
    public const string Upgrade = "upgrade";

    private static readonly Dictionary<string, string> _projects = new() { ["unit"] = "Tests", ["broker"] = "BrokerTests", ["faults"] = "FaultTests", ["browser"] = "BrowserTests", [Upgrade] = "BrokerTests" };

    /// <summary>The parts that are test programs, in their order.</summary>
    public static IReadOnlyList<string> Parts { get; } = ["unit", "broker", "browser", "faults"];

    /// <summary>Runs the program of a part and counts its tests.</summary>
    /// <param name="part">unit, broker, faults, browser or upgrade.</param>
    /// <param name="again">Whether to skip the tests that don't depend on the RabbitMQ version.</param>
    /// <param name="isLong">Whether to include the tests that take minutes each.</param>
    public async Task RunAsync(string part, bool again, bool isLong)
    {
        var project = _projects[part];
        var name = part == Upgrade ? "UpgradeTests" : project;
        TestRun.Heading(name);
        var results = Path.Combine(run.State, "results");
        var report = Path.Combine(results, $"{name}.xml");
        File.Delete(report);
        string[] filters = ["--filter-not-trait", "needs=delayed-exchange", part == Upgrade ? "--filter-trait" : "--filter-not-trait", "needs=docker", .. again ? ["--filter-not-trait", "broker=any"] : Array.Empty<string>(), .. isLong ? [] : new[] { "--filter-not-trait", "form=long" }];
        var code = await run.InTurnAsync(new Command(
            "dotnet",
            [
                Path.Combine(Repository.Artifacts, "bin", project, "release", $"WorkinIt.{project}.dll"), "--results-directory", results,
                "--report-xunit-xml", "--report-xunit-xml-filename", $"{name}.xml", "--no-ansi", "--progress", "off", "--timeout", isLong ? "110m" : "60m", .. filters,
            ])
        {
            Folder = Repository.Root,
        });
        if (run.Tally.AddReport(report, code) is { } problem)
            Output.Say($"FAILED: {name} {problem}");
    }
}
