using WorkinIt.DeadLetters;
using WorkinIt.DeadLetters.Catalogue.Replays;
using WorkinIt.DeadLetters.Catalogue.Store;
using static WorkinIt.Tests.Catalogue.TestLetters;

namespace WorkinIt.Tests.Catalogue;

/// <summary>What the catalogue keeps of replayed messages; run on SQLite and on PostgreSQL.</summary>
public abstract class ReplayOutcomeScenarios : CatalogueScenarios
{
    private const string Operation = "0199c4f0000070008000000000000001";

    [Fact]
    public async Task Each_combination_of_observations_has_the_outcome_that_a_running_replay_decides_on()
    {
        var (number, expected) = (0, new Dictionary<string, Outcome>());
        foreach (var seen in new Outcome?[] { null, Outcome.FailedAgain, Outcome.Skipped })
        {
            foreach (var advice in new Outcome?[] { null, Outcome.Handled, Outcome.FailedAgain, Outcome.Delayed, Outcome.Skipped })
            {
                foreach (var report in new ReportKind?[] { null, ReportKind.Taken, ReportKind.Handled, ReportKind.Failed, ReportKind.Delayed, ReportKind.Skipped })
                {
                    foreach (var (isLater, left) in new[] { (false, false), (true, false), (false, true), (true, true) })
                    {
                        number++;
                        await ReplayAsync(number);
                        if (left)
                            await WriteAsync(Notice(Item(number) with { Outcome = Outcome.LeftQueue }));
                        var said = advice is { } word ? Notice(Item(number) with { Outcome = word, Advised = true }) : default;
                        if (!isLater)
                            await WriteAsync(said);
                        if (report is { } kind)
                            await WriteAsync(Report(number, kind));
                        if (isLater)
                            await WriteAsync(said);
                        if (seen is { } failure)
                            await WriteAsync(Notice(Item(number) with { Outcome = failure, NewQueue = Queue, NewId = "00000000000000aa" }));
                        expected[$"{Operation}.{number}"] = OutcomeMerge.OutcomeOf(seen, advice, isLater || report is null, report, left);
                    }
                }
            }
        }

        var operation = (await Reader.ReplaysOfOperationAsync(Operation, 1000, default)).ShouldNotBeNull();

        operation.Total.ShouldBe(360);
        operation.Counts.ShouldBe(OutcomeCounts.Of([.. Enum.GetValues<Outcome>().Select(outcome => (long)expected.Values.Count(one => one == outcome))]));
        operation.Listed.Count.ShouldBe(360);
        operation.Listed.ShouldAllBe(replay => replay.Message.Outcome == expected[replay.Message.ReplayId]);
        operation.Listed.Select(replay => replay.Message.Outcome is Outcome.FailedAgain or Outcome.Skipped ? 0 : 1).ShouldBeInOrder();
    }

    [Fact]
    public async Task Report_that_comes_before_the_notice_of_its_replay_is_kept_and_one_without_a_notice_is_not_shown()
    {
        await WriteAsync(Report(1, ReportKind.Handled), Report(2, ReportKind.Handled));
        (await Reader.ReplaysOfOperationAsync(Operation, 10, default)).ShouldBeNull();

        await ReplayAsync(1);

        var replay = (await Reader.ReplaysOfOperationAsync(Operation, 10, default)).ShouldNotBeNull().Listed.ShouldHaveSingleItem();
        replay.Message.Outcome.ShouldBe(Outcome.Handled);
        replay.Message.Reported.ShouldNotBeNull().ToString().ShouldBe("by Orders.PlaceOrderConsumer, version 2.4.0, in 12 ms");
        replay.At.ShouldBe(Noon);
        Time.Advance(TimeSpan.FromMinutes(61));
        await Store.Replays.PruneAsync(default);
        Rows().ShouldBe(1);
    }

    [Fact]
    public async Task Later_report_wins_and_a_batch_that_is_delivered_again_changes_nothing()
    {
        await ReplayAsync(1);
        ReportDelivery[] batch = [Report(1, ReportKind.Taken), Report(1, ReportKind.Delayed, second: 1), Report(1, ReportKind.Taken, tries: 2, second: 60), Report(1, ReportKind.Handled, tries: 2, second: 61)];
        await WriteAsync(batch);
        (await OutcomeAsync()).ShouldBe(Outcome.Handled);
        await WriteAsync(batch);
        (await OutcomeAsync()).ShouldBe(Outcome.Handled);
        await WriteAsync(Report(1, ReportKind.Failed, tries: 3, second: 62));
        (await OutcomeAsync()).ShouldBe(Outcome.FailedAgain);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Dead_letter_of_a_replayed_message_is_linked_whether_it_comes_before_or_after_the_notice(bool isFirst)
    {
        var again = Fault(Queue, "still broken", "Orders.StillBroken", at: Noon, header: ("Replay-Id", $"{Operation}.1"));
        if (isFirst)
            await AddAsync(again);
        await ReplayAsync(1);
        await WriteAsync(Report(1, ReportKind.Failed));
        if (!isFirst)
            await AddAsync(again);

        var replay = (await Reader.ReplaysOfOperationAsync(Operation, 10, default)).ShouldNotBeNull().Listed.ShouldHaveSingleItem().Message;

        (replay.Outcome, replay.NewLetter).ShouldBe((Outcome.FailedAgain, new WorkinIt.DeadLetters.NewLetter(Queue, again.Id, "Orders.StillBroken", "still broken")));
    }

    [Fact]
    public async Task Letter_has_the_outcome_of_its_replay_also_of_identical_ones()
    {
        var (first, second) = (Fault(Queue, "timeout", id: "m-1"), Fault(Queue, "timeout", id: "m-1", twin: 1));
        await AddAsync(first, first);
        await WriteAsync(Notice(new ReplayedItem(1, first.Id, "orders"), new ReplayedItem(2, second.Id, "orders")), Report(1, ReportKind.Handled), Report(2, ReportKind.Delayed));
        await MoveAsync(first, operation: Operation);
        await MoveAsync(second, operation: Operation);

        var replays = await Reader.ReplaysOfLettersAsync(await Reader.HistoryAsync(Source, "m-1", default), default);

        replays.Values.Select(replay => replay.Message.Outcome).ShouldBe([Outcome.Handled, Outcome.Delayed], ignoreOrder: true);
        replays.Values.ShouldAllBe(replay => replay.Message.MessageId == "m-1");
        (await Reader.ReplaysOfLettersAsync([], default)).ShouldBeEmpty();
    }

    [Fact]
    public async Task Replays_are_deleted_after_the_retention()
    {
        await ReplayAsync(1);
        Time.Advance(Options.Retention - TimeSpan.FromMinutes(1));
        await ReplayAsync(2);
        await Store.Replays.PruneAsync(default);
        Rows().ShouldBe(2);
        Time.Advance(TimeSpan.FromMinutes(2));
        await Store.Replays.PruneAsync(default);
        Rows().ShouldBe(1);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Erased_letter_leaves_no_replay(bool isNew)
    {
        var letter = Fault(Queue, "timeout of jane@example.com");
        await AddAsync(letter);
        await WriteAsync(
            isNew ? Notice(Item(1) with { Outcome = Outcome.FailedAgain, NewQueue = Queue, NewId = letter.Id }) : Notice(new ReplayedItem(1, letter.Id, "orders")), Notice(Item(2)));

        (await new CatalogueErasure(Options.Database).RunAsync((_, reason) => reason.Contains("jane", StringComparison.Ordinal), ["orders"], dryRun: false, default)).ShouldBe(1);

        (await Reader.ReplaysOfOperationAsync(Operation, 10, default)).ShouldNotBeNull().Listed.ShouldHaveSingleItem().Message.ReplayId.ShouldBe(Operation + ".2");
    }

    [Fact]
    public async Task Forged_reports_are_not_kept_without_end()
    {
        await Store.Commits.WriteAsync(statements => statements.Execute(
            $"INSERT INTO catalogue_replays (operation, number, first_at) WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {ReplayWriter.MostUnclaimed - 1}) SELECT 'forged', i, 0 FROM n"), default);
        await WriteAsync(Report(1, ReportKind.Handled), Report(2, ReportKind.Handled), Report(3, ReportKind.Handled));
        Rows().ShouldBe(ReplayWriter.MostUnclaimed);
        await ReplayAsync(2);
        await WriteAsync(Report(2, ReportKind.Handled)); // a message that a notice has named
        (await OutcomeAsync()).ShouldBe(Outcome.Handled);
    }

    private static ReplayedItem Item(int number) => new(number, $"{number:x16}", "orders");

    private static ReportDelivery Notice(params ReplayedItem[] items) =>
        new(0, null, new ReplayNotice { Operation = Operation, LetterQueue = Queue, At = Noon, Messages = items });

    private static ReportDelivery Report(int number, ReportKind kind, int tries = 1, int second = 0) => new(0, new ReplayReport
    {
        ReplayId = $"{Operation}.{number}",
        Kind = kind,
        At = Noon.AddSeconds(second),
        Try = tries,
        Queue = "orders",
        Consumer = "Orders.PlaceOrderConsumer",
        Version = "2.4.0",
        Milliseconds = 12,
    }, null);

    private Task ReplayAsync(int number) => WriteAsync(Notice(Item(number)));

    private Task WriteAsync(params ReportDelivery[] deliveries) => Store.Replays.WriteAsync(Source, deliveries, default);

    private async Task<Outcome> OutcomeAsync() => (await Reader.ReplaysOfOperationAsync(Operation, 10, default)).ShouldNotBeNull().Listed[0].Message.Outcome;

    private long Rows() => Options.Database.Read(statements => statements.Scalar<long>("SELECT count(*) FROM catalogue_replays"));
}
