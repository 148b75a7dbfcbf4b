using WorkinIt.Dev;
using WorkinIt.Dev.Benchmarks;
using WorkinIt.Dev.Processes;
using WorkinIt.Testbed;

namespace WorkinIt.Tests.Dev;

/// <summary>./bench --beside: its arguments, its arithmetic and its table.</summary>
public sealed class BesideTests
{
    private static readonly BesideRow _row = new("quick", "nothing", TimeSpan.FromSeconds(10), TimeSpan.FromSeconds(20), []);

    [Fact]
    public void Without_names_all_rows_are_measured_five_times()
    {
        var arguments = BenchArguments.Parse(["--beside", "HEAD~3"]);
        arguments.Beside.ShouldBe("HEAD~3");
        arguments.Rounds.ShouldBe(5);
        arguments.Rows.ShouldBe(BesideRow.All);
        arguments.Benchmarks.ShouldBeEmpty();
    }

    [Fact]
    public void Named_rows_are_measured_in_their_usual_order()
    {
        var arguments = BenchArguments.Parse(["mail", "--rounds", "2", "start", "--beside", "main", "--rabbitmq", "4.3"]);
        arguments.Rows.Select(row => row.Name).ShouldBe(["start", "mail"]);
        arguments.Rounds.ShouldBe(2);
        arguments.Image.ShouldBe("rabbitmq:4.3-management");
    }

    [Theory]
    [InlineData("--beside", "--beside needs a revision")]
    [InlineData("--beside --rounds 3", "--beside needs a revision")]
    [InlineData("--beside main --rounds", "--rounds needs a number from 1 to 99")]
    [InlineData("--beside main --rounds 0", "--rounds needs a number from 1 to 99")]
    [InlineData("--beside main --rounds 100", "--rounds needs a number from 1 to 99")]
    [InlineData("--rounds 3", "--rounds is an option of --beside")]
    [InlineData("--beside main mail coffee", "no row \"coffee\". Rows: start, command, accept, mail, cold, memory.")]
    [InlineData("--beside main --rabbitmq latest", "--rabbitmq needs a version")]
    public void Wrong_arguments_are_refused_with_what_to_type(string line, string message)
    {
        var refusal = Should.Throw<ToolException>(() => BenchArguments.Parse(line.Split(' ')));
        refusal.Message.ShouldContain(message);
        refusal.ExitCode.ShouldBe(2);
    }

    [Fact]
    public void Other_arguments_are_left_to_the_benchmarks() => BenchArguments.Parse(["replay", "quorum", "5000"]).Benchmarks.ShouldBe(["replay", "quorum", "5000"]);

    [Theory]
    [InlineData("3", 3)]
    [InlineData("5 1 3", 3)]
    [InlineData("4 1 3 2", 2.5)]
    public void Median_is_the_middle_or_the_mean_of_the_two_in_the_middle(string values, double median) =>
        Comparison.Median(values.Split(' ').Select(double.Parse)).ShouldBe(median);

    [Fact]
    public void Ratio_is_the_median_of_the_ratios_of_the_rounds()
    {
        // The machine was slower in the last round. The ratio of the medians would be 100 / 200.
        var comparison = new Comparison([(100, 100), (90, 200), (240, 300)]);
        (comparison.This, comparison.Other).ShouldBe((100, 200));
        comparison.Ratio.ShouldBe(0.8);
        (comparison.Lowest, comparison.Highest).ShouldBe((0.45, 1));
    }

    [Fact]
    public void Equal_zeros_are_equal() => new Comparison([(0, 0)]).Ratio.ShouldBe(1);

    [Theory]
    [InlineData("Ratio", true, 0.75, true)]
    [InlineData("Ratio", true, 0.74, false)]
    [InlineData("Ratio", false, 0.75, true)]
    [InlineData("Ratio", false, 0.76, false)]
    [InlineData("Value", true, 150, true)]
    [InlineData("Value", true, 149, false)]
    [InlineData("Value", false, 150, true)]
    [InlineData("Value", false, 151, false)]
    public void Target_is_reached_at_its_limit(string of, bool isAtMost, double limit, bool isReached) =>
        new Target(Enum.Parse<TargetOf>(of), isAtMost, limit).IsReached(new Comparison([(150, 200)])).ShouldBe(isReached);

    [Fact]
    public void Table_shows_both_builds_their_ratio_and_the_target()
    {
        var table = BesideTable.Of("main (0123456789)",
        [
            (new BesideFigure("start", "ms", new Target(TargetOf.Ratio, IsAtMost: true, 0.75)), new Comparison([(512.4, 1000), (600, 1000), (700, 1000)])),
            (new BesideFigure("its CPU time", "ms"), new Comparison([(0.1234, 0.1)])),
            (new BesideFigure("list", "ms", new Target(TargetOf.Value, IsAtMost: true, 200)), new Comparison([(250, 1000)])),
            (new BesideFigure("first 15 s / warm", "", new Target(TargetOf.Value, IsAtMost: false, 0.8)), new Comparison([(0.81, 0.5)])),
            (new BesideFigure("mails", "/s", new Target(TargetOf.Ratio, IsAtMost: false, 1.6)), null),
        ]);
        table.Split('\n').ShouldBe(
        [
            "| what | this | main (0123456789) | ratio | spread | target | reached |",
            "|---|---|---|---|---|---|---|",
            "| start | 600 ms | 1,000 ms | 0.60 | 0.51–0.70 | ≤ 0.75 × | yes |",
            "| its CPU time | 0.123 ms | 0.100 ms | 1.23 | 1.23–1.23 | – | – |",
            "| list | 250 ms | 1,000 ms | 0.25 | 0.25–0.25 | ≤ 200 ms | **no** |",
            "| first 15 s / warm | 0.810 | 0.500 | 1.62 | 1.62–1.62 | ≥ 0.8 | yes |",
            "| mails | failed | failed | – | – | ≥ 1.60 × | **no** |",
        ]);
    }

    [Theory]
    [InlineData(0.5, "/s", "0.500/s")]
    [InlineData(9.5, "ms", "9.50 ms")]
    [InlineData(99.94, "MiB", "99.9 MiB")]
    [InlineData(12345, "/s", "12,345/s")]
    public void Values_have_at_least_three_digits(double value, string unit, string text) => BesideTable.Value(value, unit).ShouldBe(text);

    [Fact]
    public void Time_left_is_corrected_by_the_time_that_passed()
    {
        var left = new TimeLeft([_row, _row], rounds: 5); // 110 s a row
        left.Total.ShouldBe(TimeSpan.FromSeconds(220));
        left.Describe(0, 0, TimeSpan.Zero).ShouldBe("row 1 of 2 (quick), preparation, about 4 min left");
        left.Describe(1, 3, TimeSpan.FromSeconds(160)).ShouldBe("row 2 of 2 (quick), round 3 of 5, about 60 s left"); // 160 of 220 s
        left.Describe(1, 3, TimeSpan.FromSeconds(480)).ShouldBe("row 2 of 2 (quick), round 3 of 5, about 3 min left"); // three times as slow
    }

    [Fact]
    public async Task Unknown_revision_is_refused_before_anything_is_built()
    {
        Assert.SkipUnless(Path.Exists(Path.Combine(Repository.Root, ".git")), "This folder is not a clone");
        var refusal = await Should.ThrowAsync<ToolException>(() => OtherRevision.FindAsync("no-such-branch", TestContext.Current.CancellationToken));
        refusal.ExitCode.ShouldBe(2);
        refusal.Message.ShouldStartWith("\"no-such-branch\" is not a commit");
    }

    [Fact]
    public async Task Worktree_is_removed_when_the_build_is_cancelled()
    {
        Assert.SkipUnless(Path.Exists(Path.Combine(Repository.Root, ".git")), "This folder is not a clone");
        var state = Directory.CreateTempSubdirectory("workinit-beside-").FullName;
        try
        {
            var head = await OtherRevision.FindAsync("HEAD", TestContext.Current.CancellationToken);
            using var interrupt = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
            var build = head.PublishAsync(state, interrupt.Token);
            try
            {
                var log = new FileInfo(Path.Combine(state, "build.log")); // has a text when the worktree is complete, and the build runs
                await Eventually.SeeAsync(
                    () =>
                    {
                        log.Refresh();
                        return Task.FromResult(log is { Exists: true, Length: > 0 } || build.IsCompleted);
                    },
                    runs => runs, "the build runs", TimeSpan.FromMinutes(3));
                Directory.Exists(Path.Combine(state, "tree")).ShouldBeTrue();
            }
            finally
            {
                await interrupt.CancelAsync();
                await ((Task)build).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing | ConfigureAwaitOptions.ContinueOnCapturedContext);
            }
            build.IsCanceled.ShouldBeTrue();
            Directory.Exists(Path.Combine(state, "tree")).ShouldBeFalse();
            var worktrees = await new Command("git", "worktree", "list") { Folder = Repository.Root }.CaptureAsync(cancellation: TestContext.Current.CancellationToken);
            worktrees.Output.ShouldNotContain(state);
        }
        finally
        {
            Directory.Delete(state, recursive: true);
        }
    }

    [Fact]
    public void Help_lists_each_row()
    {
        foreach (var row in BesideRow.All)
            BesideRow.Help.ShouldContain($"  {row.Name} ");
    }
}
