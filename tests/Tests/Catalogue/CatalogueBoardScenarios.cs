using Dapper;
using WorkinIt.DeadLetters.Catalogue;
using WorkinIt.DeadLetters.Catalogue.Store;
using static WorkinIt.Tests.Catalogue.TestLetters;

namespace WorkinIt.Tests.Catalogue;

/// <summary>The board; run on SQLite and on PostgreSQL.</summary>
public abstract class CatalogueBoardScenarios : CatalogueScenarios
{
    [Fact]
    public async Task Board_of_an_empty_catalogue_has_a_histogram_of_zeros()
    {
        (await BoardAsync()).ShouldSatisfyAllConditions(
            it => it.Letters.ShouldBe(0), it => it.Causes.ShouldBeEmpty(), it => it.Queues.ShouldBeEmpty(), it => it.Histogram.ShouldBe(new long[96]), it => it.Oldest.ShouldBeNull(),
            it => it.PerMinute.ShouldBe(0));
    }

    [Fact]
    public async Task Causes_have_their_counts_queues_types_versions_and_times()
    {
        await AddAsync(
            Fault(Queue, "1", at: Noon.AddHours(-3)),
            Fault(Queue, "2", at: Noon.AddHours(-1), version: "2.0.0.0"),
            Fault(Queue, "3", at: Noon.AddMinutes(-2), version: "2.0.0.0"),
            Fault("payments_error", "4", type: "Orders:RefundOrder", at: Noon.AddHours(-2), header: ("Replay-Id", "op/1"u8.ToArray())),
            Fault(Queue, "5", "System.ArgumentException", at: Noon.AddDays(-8)));

        var board = await BoardAsync();

        board.Letters.ShouldBe(5);
        board.Oldest.ShouldBe(Noon.AddDays(-8));
        board.PerMinute.ShouldBe(1 / 5d);
        board.Queues.ShouldBe([new QueueCount(Source, Queue, 4), new QueueCount(Source, "payments_error", 1)]);
        board.Causes.Select(cause => (cause.Cause.ExceptionType, cause.Count)).ShouldBe([("System.TimeoutException", 4L), ("System.ArgumentException", 1L)]);
        board.Causes[0].ShouldSatisfyAllConditions(
            it => it.Cause.ShouldBe(Fault(Queue, "1").Cause),
            it => it.First.ShouldBe(Noon.AddHours(-3)),
            it => it.Last.ShouldBe(Noon.AddMinutes(-2)),
            it => it.Queues.ShouldBe([new QueueCount(Source, Queue, 3), new QueueCount(Source, "payments_error", 1)]),
            it => it.MessageTypes.ShouldBe(["Orders:SubmitOrder", "Orders:RefundOrder"], ignoreOrder: true),
            it => it.Versions.ShouldBe(["2.0.0.0", "1.0.0.0"]),
            it => it.FailedAgain.ShouldBe(1),
            it => it.Sparkline.Sum().ShouldBe(4),
            it => it.Example.Source.ShouldBe(Source));
        board.Causes[1].Sparkline.Sum().ShouldBe(0); // eight days ago
        string[] newest = ["4", "5"]; // the last that were added
        foreach (var (example, reason) in board.Causes.Select(cause => cause.Example).Zip(newest))
            (await Reader.FindAsync(Source, example.Queue, example.Id, default)).ShouldNotBeNull().Entry.Reason.ShouldBe(reason);
    }

    [Theory]
    [InlineData(1, 1, 60)]
    [InlineData(24, 15, 96)]
    [InlineData(168, 120, 84)]
    public async Task Histogram_has_the_steps_of_its_span_and_ends_with_the_present(int hours, int minutes, int count)
    {
        Time.Advance(TimeSpan.FromMinutes(7) + TimeSpan.FromSeconds(13));
        var (now, step) = (Time.GetUtcNow(), TimeSpan.FromMinutes(minutes));
        var from = new DateTimeOffset((now.Ticks / step.Ticks * step.Ticks) - ((count - 1) * step.Ticks), TimeSpan.Zero);
        await AddAsync(
            Fault(Queue, "1", at: from.AddMilliseconds(-1)), Fault(Queue, "2", at: from), Fault(Queue, "3", at: from + step - TimeSpan.FromMilliseconds(1)), Fault(Queue, "4", at: from + step),
            Fault(Queue, "5", at: now), Fault(Queue, "6", at: now + step + step));

        var board = await BoardAsync(span: TimeSpan.FromHours(hours));

        (board.From, board.Step, board.Histogram.Count).ShouldBe((from, step, count));
        (board.Histogram[0], board.Histogram[1], board.Histogram[^1], board.Histogram.Sum()).ShouldBe((2, 1, 1, 4));
        board.Causes[0].Sparkline.ShouldBe(board.Histogram);
    }

    [Fact]
    public async Task Histogram_counts_each_failure_once_whatever_became_of_the_letter()
    {
        var (replayed, discarded, gone) = (Fault(Queue, "1", at: Noon), Fault(Queue, "2", at: Noon), Fault(Queue, "3", at: Noon));
        await AddAsync(replayed, discarded, gone, Fault(Queue, "4", at: Noon), Fault("payments_error", "5", at: Noon));
        await MoveAsync(replayed);
        await MoveAsync(discarded, LetterState.Discarded);
        await MoveAsync(gone, LetterState.Gone);
        await AddAsync(Fault("orders_error_discarded", "2", at: Noon));

        var board = await BoardAsync("queue:orders");

        (board.Letters, board.Histogram[^1], board.Causes.Single().Sparkline[^1]).ShouldBe((2, 4, 4));
        (await BoardAsync("queue:orders state:replayed")).ShouldSatisfyAllConditions(it => it.Letters.ShouldBe(1), it => it.Oldest.ShouldBe(Noon));
        (await BoardAsync("state:any")).Letters.ShouldBe(6);
    }

    [Fact]
    public async Task Board_under_conditions_has_only_what_they_select()
    {
        await AddAsync(Fault(Queue, "needle", at: Noon.AddHours(-1)), Fault(Queue, "hay", at: Noon), Fault("payments_error", "needle", "System.ArgumentException", at: Noon));
        await IndexAsync();

        (await BoardAsync("needle")).ShouldSatisfyAllConditions(it => it.Letters.ShouldBe(2), it => it.Causes.Count.ShouldBe(2), it => it.Histogram.Sum().ShouldBe(2), it => it.PerMinute.ShouldBe(0.2));
        (await BoardAsync("needle queue:orders")).ShouldSatisfyAllConditions(it => it.Letters.ShouldBe(1), it => it.Histogram.Sum().ShouldBe(1), it => it.Oldest.ShouldBe(Noon.AddHours(-1)));
        (await BoardAsync($"cause:{Fault(Queue, "needle", "System.ArgumentException").Cause.Id}")).Letters.ShouldBe(1);
        (await BoardAsync("age:<5m")).Letters.ShouldBe(2);
    }

    [Fact]
    public async Task Board_is_computed_again_when_the_catalogue_has_changed_but_at_most_once_a_second()
    {
        await AddAsync(Fault(Queue, "1"));
        var first = await BoardAsync();
        await AddAsync(Fault(Queue, "2"));
        (await BoardAsync()).ShouldBeSameAs(first);
        (await BoardAsync("queue:orders")).Letters.ShouldBe(2); // another query

        Time.Advance(TimeSpan.FromSeconds(1));
        var second = await BoardAsync();
        second.Letters.ShouldBe(2);
        Time.Advance(TimeSpan.FromSeconds(9));
        (await BoardAsync()).ShouldBeSameAs(second); // nothing has changed
        Time.Advance(TimeSpan.FromSeconds(2));
        (await BoardAsync()).ShouldNotBeSameAs(second); // the rate and the last step have
    }

    [Fact]
    public async Task Older_board_has_the_counts_of_all_queues_of_the_same_moment()
    {
        await WalkAsync(Queue);
        await AddAsync(Fault(Queue, "1"));
        var first = await BoardAsync();
        await WalkAsync("payments_error");
        await AddAsync(Fault(Queue, "2"), Fault("payments_error", "3"));
        var older = await BoardAsync();
        Time.Advance(TimeSpan.FromSeconds(2));
        var newer = await BoardAsync();

        older.ShouldBeSameAs(first);
        older.AllQueues.Select(queue => (queue.Name, queue.Letters)).ShouldBe([(Queue, older.Letters)]);
        (newer.Letters, newer.AllQueues.Sum(queue => queue.Letters), newer.AllQueues.Count).ShouldBe((3, 3, 2));
    }

    [Fact]
    public void Snapshot_does_not_see_what_is_written_meanwhile()
    {
        const string read = "SELECT version FROM catalogue_state WHERE id = 1";
        var (before, after) = Options.Database.Read(statements => statements.Snapshot(() =>
        {
            var first = statements.Scalar<long>(read);
            using (var other = Options.Database.Open())
                other.Execute("UPDATE catalogue_state SET version = version + 1 WHERE id = 1").ShouldBe(1);
            return (first, statements.Scalar<long>(read));
        }));

        after.ShouldBe(before);
        Options.Database.Read(statements => statements.Scalar<long>(read)).ShouldBe(before + 1);
    }

    [Fact]
    public async Task Readers_at_the_same_time_share_one_computation()
    {
        await AddAsync(Fault(Queue, "1"));
        var boards = await Task.WhenAll(Enumerable.Range(0, 10).Select(_ => BoardAsync()));
        boards.Distinct().Count().ShouldBe(1);
    }

    private Task<Board> BoardAsync(string query = "", TimeSpan? span = null) => Reader.BoardAsync(CatalogueQuery.Parse(query) with { Span = span ?? TimeSpan.FromDays(1) }, default);
}
