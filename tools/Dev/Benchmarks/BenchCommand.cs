using System.Globalization;
using WorkinIt.Dev.Brokers;
using WorkinIt.Dev.Building;
using WorkinIt.Dev.Machine;
using WorkinIt.Dev.Processes;

namespace WorkinIt.Dev.Benchmarks;

/// <summary>./bench.</summary>
internal static class BenchCommand
{
    private static readonly string _usage = $"""
        Runs the benchmarks: measures the published services, on a separate broker.

          ./bench                               all benchmarks of docs/performance.md; writes its table
          ./bench NAME                          one benchmark: accept, relay, consume, reports, mail, large-mail, processes, replay, start, memory
          ./bench --long                        the long ones: backlog, rows, board
          ./bench answer                        from POST to answer and from POST to mail, with a mail server that takes 0 s and one that takes 5 s
          ./bench replay [classic|quorum [N]]   viewing and replaying N dead letters (default 100,000), compared with a bare loop that moves them
          ./bench reports [N]                   what UseReplayReports costs for messages that were not replayed: N measured ones (default 60,000) a round
          ./bench board [N]                     the catalogue with N dead letters (default 100,000), compared with the pages that read the queues
          ./bench pages [N]                     the form's response time while N status pages (default 1,000) are open, compared with none
          ./bench feed [N]                      what a copy of each dead letter costs, by the type of the queue that gets the copies: N (default 2,000) a round

          ./bench --beside REV [ROW…]           builds that revision too, measures both alternately on the same broker, and writes a table of the ratios

        Rows of --beside (all without a name):

        {BesideRow.Help}

          --rounds N            how often --beside measures each row (default {BenchArguments.DefaultRounds}, with which all rows take {TimeLeft.Text(new TimeLeft(BesideRow.All, BenchArguments.DefaultRounds).Total)}, without the build)
          --rabbitmq VERSION    run on a container of that version, such as 4.3, instead of the system's RabbitMQ
        """;

    private static readonly string _state = Path.Combine(Repository.Root, ".test", "bench");

    /// <summary>Runs the command.</summary>
    /// <returns>The exit code.</returns>
    public static async Task<int> RunAsync(string[] arguments)
    {
        if (arguments is ["--help" or "-h", ..])
            return Verbs.Help(_usage);
        var parsed = BenchArguments.Parse(arguments);
        using var interrupts = new Interrupts();
        using var only = FileLock.TryTake(Path.Combine(_state, "lock"))
            ?? throw new ToolException("./bench is already running in this folder. Wait for it, or stop it first.");
        var broker = new Broker(Path.Combine(_state, "broker"));
        try
        {
            var other = parsed.Beside is null ? null : await OtherRevision.FindAsync(parsed.Beside, interrupts.Token);
            await InstallAsync(interrupts.Token);
            await BuildAsync(interrupts.Token);
            var beside = other is null ? null : await BesideAsync(other, interrupts.Token);
            await broker.RemoveAsync();
            var (amqp, management) = (Ports.TakeFree(), Ports.TakeFree());
            broker = new Broker(broker.Folder);
            await broker.StartAsync(amqp, management, parsed.Image, interrupts.Token);
            return await MeasureAsync(parsed, beside, broker, amqp, management, interrupts.Token);
        }
        catch (OperationCanceledException) when (interrupts.Token.IsCancellationRequested)
        {
            return Interrupts.ExitCode;
        }
        finally
        {
            await broker.RemoveAsync();
        }
    }

    // The programs that the benchmarks compare with, and what they need.
    private static async Task InstallAsync(CancellationToken cancellation)
    {
        (string Package, bool IsThere)[] programs =
        [
            ("wrk", Command.Exists("wrk")),
            ("postfix", File.Exists("/usr/sbin/smtp-sink")),
            ("ruby-sidekiq", Command.Exists("sidekiq")),
            ("redis-server", Command.Exists("redis-server")),
            ("ruby-mail", Command.Exists("ruby") && (await new Command("ruby", "-e", "require \"mail\"").CaptureAsync(cancellation: cancellation)).Succeeded),
            ("postgresql", Directory.Exists("/usr/lib/postgresql") && Directory.GetFiles("/usr/lib/postgresql", "initdb", SearchOption.AllDirectories).Length > 0),
        ];
        string[] missing = [.. programs.Where(program => !program.IsThere).Select(program => program.Package)];
        if (missing.Length > 0)
            await AptPackages.InstallAsync(missing, cancellation);
    }

    private static async Task BuildAsync(CancellationToken cancellation)
    {
        Output.Say("Building …");
        var (bin, log) = (Path.Combine(_state, "bin"), Path.Combine(_state, "build.log"));
        await new Publisher(bin, beforehand: true, analyzers: false).EnsureAsync(Publisher.All, log, cancellation);
        using var turn = await BuildLock.TakeAsync(cancellation);
        await DotnetAsync(["publish", "tests/EmptyApp", .. DotnetSdk.BuildFlags, .. Publisher.Beforehand, .. Publisher.WithoutAnalyzers, "-o", Path.Combine(bin, "EmptyApp")], log, cancellation);
        await DotnetAsync(["build", "tests/Benchmarks", .. DotnetSdk.BuildFlags, .. Publisher.WithoutAnalyzers], log, cancellation);
    }

    private static async Task DotnetAsync(string[] arguments, string log, CancellationToken cancellation)
    {
        if (await new Command("dotnet", arguments) { Folder = Repository.Root, Log = log }.RunAsync(cancellation) == 0)
            return;
        BuildOutput.WarnErrors(log);
        throw new ToolException($"The build failed. Full output: {log}");
    }

    // What the benchmarks need to know about the other build.
    private static async Task<Dictionary<string, string?>> BesideAsync(OtherRevision other, CancellationToken cancellation) => new()
    {
        ["WORKINIT_BENCH_OTHER_BIN"] = await other.PublishAsync(Path.Combine(_state, "beside"), cancellation),
        ["WORKINIT_BENCH_OTHER"] = other.Title,
        ["WORKINIT_BENCH_THIS"] = await OtherRevision.ThisAsync(cancellation),
        ["WORKINIT_BENCH_TABLE"] = Path.Combine(_state, string.Create(CultureInfo.InvariantCulture, $"beside-{DateTime.UtcNow:yyyyMMdd-HHmm}.md")),
    };

    private static Task<int> MeasureAsync(BenchArguments arguments, Dictionary<string, string?>? beside, Broker broker, int amqp, int management, CancellationToken cancellation)
    {
        string[] benchmarks = beside is null ? [.. arguments.Benchmarks] : ["beside", arguments.Rounds.ToString(CultureInfo.InvariantCulture), .. arguments.Rows.Select(row => row.Name)];
        return new Command("dotnet", ["artifacts/without-analyzers/bin/Benchmarks/release/WorkinIt.Benchmarks.dll", .. benchmarks])
        {
            Folder = Repository.Root,
            Variables = new Dictionary<string, string?>(beside ?? [])
            {
                ["WORKINIT_TEST_BROKER"] = Path.Combine(Repository.Dev, "broker"),
                ["WORKINIT_TEST_BROKER_DIR"] = broker.Folder,
                ["WORKINIT_TEST_BIN"] = Path.Combine(_state, "bin"),
                ["WORKINIT_TEST_AMQP"] = $"amqp://operator:operator@127.0.0.1:{amqp}",
                ["WORKINIT_TEST_MANAGEMENT"] = $"http://127.0.0.1:{management}",
            },
        }.RunAsync(cancellation);
    }
}
