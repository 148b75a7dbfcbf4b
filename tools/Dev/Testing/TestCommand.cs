using WorkinIt.Dev.Checks;
using WorkinIt.Dev.Containers;
using WorkinIt.Dev.Documents;
using WorkinIt.Dev.Machine;
using WorkinIt.Dev.Processes;
using WorkinIt.Dev.Scanning;

namespace WorkinIt.Dev.Testing;

/// <summary>./test.</summary>
internal static class TestCommand
{
    private const string Usage = """
        Builds and tests from nothing. It uses its own ports, its own broker and its own folder (.test), so it can run while ./run runs.

          ./test                everything except scan, compose, cluster and upgrade
          ./test unit           in memory, seconds
          ./test broker         on a real RabbitMQ and real SMTP
          ./test faults         kills processes, fills disks, cuts networks
          ./test browser        in Chromium
          ./test docs           runs each command of README.md and docs/lesson.md, and compares the output
          ./test style          formatting, scripts, manifests, alert rules, and known vulnerabilities of packages
          ./test scan           scans the running Web with Debian's wapiti
          ./test compose        builds the images, and starts and stops compose.yaml and deploy/dead-letters/compose.yaml; needs a Docker engine
          ./test cluster        the same with compose.cluster.yaml: three RabbitMQ nodes, one of which is killed; needs a Docker engine
          ./test upgrade        moves dead letters from the system's RabbitMQ to 4.3 in a container, and works on them there; needs a Docker engine

          Several parts run one after the other: ./test unit browser

          --rabbitmq VERSION    broker, faults and browser: run on a container of that version, such as 4.3, instead of the system's RabbitMQ
          --again               broker and browser: skip the tests that don't depend on the RabbitMQ version. Use it if they ran on another version.
          --long                include the tests that take minutes each

        WORKINIT_WRITE_PICTURES=1 ./test browser  renews the pictures in docs/pictures. When a browser test fails, its last screenshot is in
        .test/screenshots.

        The last line is: N passed, N failed, N skipped.
        """;

    // Settings that the user exported for ./run must not affect the tests.
    private static readonly string[] _settings =
    [
        "WORKINIT_", "Smtp__", "Giphy__", "ConnectionStrings__", "RabbitMqManagement__", "Retry__", "Redelivery__", "DeadLetterQueues__", "DeadLetters__", "Catalogue__", "Notifications__",
        "Consumer__", "Submissions__", "Limits__", "Logging__", "OTEL_", "DataProtection__", "ASPNETCORE_",
    ];

    /// <summary>Runs the command.</summary>
    /// <returns>The exit code.</returns>
    public static async Task<int> RunAsync(string[] arguments)
    {
        if (arguments.Any(argument => argument is "--help" or "-h"))
            return Verbs.Help(Usage);
        if (TestArguments.Parse(arguments) is not { } parsed)
            return Verbs.WrongUsage(Usage);
        var isBeside = Settings.Find(BesideRun.Variable) is not null;
        foreach (var name in _settings.SelectMany(Settings.StartingWith).Where(name => name != "WORKINIT_WRITE_PICTURES"))
            Environment.SetEnvironmentVariable(name, null);

        var state = Path.Combine(Repository.Root, ".test", isBeside ? "beside" : "");
        Directory.CreateDirectory(Path.Combine(state, "logs"));
        Directory.CreateDirectory(Path.Combine(state, "results"));
        using var only = FileLock.TryTake(Path.Combine(state, "lock"))
            ?? throw new ToolException("./test is already running in this folder. Wait for it, or stop it first.");
        using var interrupts = new Interrupts();
        var run = new TestRun(state, interrupts.Token);
        var code = await RunAsync(run, parsed, isBeside);
        if (code != 0 && run.Tally.Failed == 0)
            run.Tally.Fail("./test ended early");
        if (run.Unchecked is not null)
            Output.Say($"\n{run.Unchecked}");
        Output.Say("");
        foreach (var line in run.Tally.LastLines)
            Output.Say(line);
        var isGood = run.Tally.Failed == 0 && (run.Tally.Passed > 0 || parsed.Parts is ["style"]);
        return isGood ? 0 : Math.Max(code, 1);
    }

    private static async Task<int> RunAsync(TestRun run, TestArguments arguments, bool isBeside)
    {
        var servers = new TestServers(run, arguments.Image);
        try
        {
            await using var beside = new BesideRun(run); // stopped before the servers
            if (arguments.Parts is ["compose"])
            {
                await BoardTest.RunAsync(run);
                await ComposeTest.RunAsync(run);
            }
            else if (arguments.Parts is ["cluster"])
                await ClusterTest.RunAsync(run);
            else if (arguments.Parts is ["upgrade"])
                await RunUpgradeAsync(run, servers);
            else
                await RunPartsAsync(run, arguments, servers, beside, isBeside);
            return 0;
        }
        catch (OperationCanceledException) when (run.Cancellation.IsCancellationRequested)
        {
            return Interrupts.ExitCode;
        }
        catch (Exception e) when (e is not OperationCanceledException) // the last line is printed after any failure
        {
            Output.Warn(e is ToolException ? e.Message : $"{e}");
            return e is ToolException tool ? tool.ExitCode : 1;
        }
        finally
        {
            await servers.StopAsync();
        }
    }

    private static async Task RunUpgradeAsync(TestRun run, TestServers servers)
    {
        if (!await DockerEngine.AnswersAsync())
            throw new ToolException("This test needs a Docker engine, and none answers. Start Docker, or set DOCKER_HOST.");
        if (!await TestBuild.BuildAsync(run))
            return;
        await servers.StartBrokerAsync();
        await new TestProject(run).RunAsync(TestProject.Upgrade, again: false, isLong: false);
    }

    private static async Task RunPartsAsync(TestRun run, TestArguments arguments, TestServers servers, BesideRun beside, bool isBeside)
    {
        var all = arguments.Parts.Count == 0;
        var parts = all ? arguments with { Parts = ["unit", "broker", "faults", "browser", "docs", "style"] } : arguments;
        await TestTools.InstallAsync(parts, run.Cancellation);
        if (!isBeside && !await TestBuild.BuildAsync(run)) // otherwise the ./test that started this one has built already
            return;
        if (parts.Asks("broker", "faults", "browser", "scan"))
        {
            if (!await TestBuild.PublishAsync(run))
                return;
            await servers.StartBrokerAsync();
            await servers.StartCatcherAsync();
        }
        // After all installs and package restores, which would disturb dotnet format.
        if (all)
        {
            beside.Begin("style", "docs");
            parts = parts with { Parts = TestProject.Parts };
        }
        if (arguments.Long)
            Environment.SetEnvironmentVariable("WORKINIT_TEST_LONG", "1");
        foreach (var part in TestProject.Parts.Where(part => parts.Asks(part)))
        {
            // Nothing runs in parallel: the fault tests break things under load.
            if (part == "faults")
                await beside.AwaitAsync();
            // A new broker: the hundred virtual hosts of the broker tests make each restart half a minute longer.
            if (part == "faults" && parts.Asks("broker"))
                await servers.StartBrokerAsync();
            await new TestProject(run).RunAsync(part, arguments.Again, arguments.Long);
        }
        await RunChecksAsync(run, parts);
    }

    private static async Task RunChecksAsync(TestRun run, TestArguments parts)
    {
        if (parts.Asks("style"))
            await StyleChecks.RunAsync(run);
        if (parts.Asks("docs"))
            await DocumentTest.RunAllAsync(run);
        if (parts.Asks("scan"))
            await WebScan.RunAsync(run);
    }
}
