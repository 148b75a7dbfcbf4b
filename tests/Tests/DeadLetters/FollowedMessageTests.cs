using WorkinIt.DeadLetters;

namespace WorkinIt.Tests.DeadLetters;

/// <summary>Which outcome a replayed message has, from all that was observed of it.</summary>
public sealed class FollowedMessageTests : IAsyncDisposable
{
    private const string Target = "orders";
    private static readonly DateTimeOffset _noon = new(2026, 11, 29, 12, 0, 0, TimeSpan.Zero);
    private static readonly NewLetter _letter = new("orders_error", "00000000000000aa", "Orders.StillBroken", "It is still broken");

    private readonly Dictionary<string, SeenFailure> _seen = [];
    private readonly ReplayReports _reports = new("op", () => 3, _ => Task.CompletedTask);
    private readonly FollowedMessages _messages;
    private TimeSpan _now = TimeSpan.FromSeconds(100);

    public FollowedMessageTests()
    {
        _messages = new FollowedMessages(_reports, id => _seen.GetValueOrDefault(id));
        for (var number = 1; number <= 3; number++)
            _messages.Add(new Replayed($"{number:x16}", $"m-{number}", $"op.{number}", Verdict.Good) { Target = Target });
    }

    public ValueTask DisposeAsync() => _reports.DisposeAsync();

    [Theory]
    [InlineData(ReportKind.Taken, Outcome.Taken)]
    [InlineData(ReportKind.Handled, Outcome.Handled)]
    [InlineData(ReportKind.Failed, Outcome.FailedAgain)]
    [InlineData(ReportKind.Delayed, Outcome.Delayed)]
    [InlineData(ReportKind.Skipped, Outcome.Skipped)]
    internal void Reported_outcome_is_shown_with_consumer_version_and_milliseconds(ReportKind kind, Outcome outcome)
    {
        Report(kind);

        var message = Refresh();

        message.Outcome.ShouldBe(outcome);
        message.Reported.ShouldNotBeNull().ShouldSatisfyAllConditions(
            it => it.Consumer.ShouldBe("Orders.PlaceOrderConsumer"), it => it.Version.ShouldBe("2.4.0"), it => it.At.ShouldBe(_noon),
            it => it.Milliseconds.ShouldBe(kind == ReportKind.Taken ? null : 12), it => it.Until.ShouldBe(kind == ReportKind.Delayed ? _noon.AddMinutes(1) : null));
        _messages.Replayed[1].Outcome.ShouldBe(Outcome.Waiting);
        _messages.Counts.Of(outcome).ShouldBe(1);
    }

    [Fact]
    public void Empty_queue_claims_an_outcome_only_in_an_application_that_does_not_report()
    {
        _messages.LeftQueue(_messages.Waiting(), _now);
        Outcomes().ShouldBe([Outcome.LeftQueue, Outcome.LeftQueue, Outcome.LeftQueue]);

        Report(ReportKind.Taken, number: 2);

        Refresh();
        Outcomes().ShouldBe([Outcome.Waiting, Outcome.Taken, Outcome.Waiting]); // it reports after all: the queue may be empty because a consumer holds the messages
    }

    [Fact]
    public void Empty_queue_claims_nothing_while_reports_may_have_been_lost()
    {
        _messages.LeftQueue(_messages.Waiting(), _now);
        _reports.Interrupt();
        Refresh();
        Outcomes().ShouldAllBe(outcome => outcome == Outcome.Waiting);
    }

    [Fact]
    public void Dead_letter_that_is_seen_after_the_report_is_linked()
    {
        Report(ReportKind.Failed);
        var before = Refresh();
        (before.Outcome, before.NewLetter).ShouldBe((Outcome.FailedAgain, null));
        before.Reported!.Reason.ShouldBe("It is still broken");
        _messages.CountOpen(_now).ShouldBe(3); // its dead letter is waited for

        See(Outcome.FailedAgain);

        Refresh().NewLetter.ShouldBe(_letter);
        _messages.CountOpen(_now).ShouldBe(2);
    }

    [Fact]
    public void Reported_failure_whose_dead_letter_is_not_seen_is_known_after_some_seconds()
    {
        Report(ReportKind.Failed);
        Refresh();
        _now += TimeSpan.FromSeconds(4);
        _messages.CountOpen(_now).ShouldBe(3);
        _now += TimeSpan.FromSeconds(2);
        _messages.CountOpen(_now).ShouldBe(2);
    }

    [Theory]
    [InlineData(ReportKind.Handled)] // its ack was lost, and the redelivery failed
    [InlineData(ReportKind.Taken)]
    [InlineData(ReportKind.Delayed)]
    internal void Dead_letter_that_exists_counts_more_than_any_report(ReportKind kind)
    {
        See(Outcome.FailedAgain);
        Report(kind);
        var message = Refresh();
        (message.Outcome, message.NewLetter, message.Reported).ShouldBe((Outcome.FailedAgain, _letter, null));
    }

    [Fact]
    public void Later_try_of_a_delayed_message_replaces_the_delay()
    {
        Report(ReportKind.Delayed, at: 0);
        Refresh().Outcome.ShouldBe(Outcome.Delayed);
        Report(ReportKind.Taken, tries: 2, at: 60);
        Refresh().Outcome.ShouldBe(Outcome.Taken);
        Report(ReportKind.Handled, tries: 2, at: 61);
        Refresh().ShouldSatisfyAllConditions(it => it.Outcome.ShouldBe(Outcome.Handled), it => it.Reported!.Until.ShouldBeNull());
    }

    [Theory]
    [InlineData(1, 0, ReportKind.Handled, 1, 0, ReportKind.Taken, Outcome.Handled)] // the same moment: the end counts
    [InlineData(1, 5, ReportKind.Handled, 1, 0, ReportKind.Taken, Outcome.Handled)] // a report that is late
    [InlineData(1, 5, ReportKind.Taken, 1, 0, ReportKind.Handled, Outcome.Handled)] // the clock was set back during the try
    [InlineData(1, 5, ReportKind.Delayed, 2, 0, ReportKind.Handled, Outcome.Handled)] // the clock was set back between the tries
    [InlineData(3, 0, ReportKind.Delayed, 1, 5, ReportKind.Handled, Outcome.Handled)] // another process counts its tries from 1
    [InlineData(1, 0, ReportKind.Handled, 1, 5, ReportKind.Taken, Outcome.Taken)] // the ack was lost, and it is processed again
    [InlineData(2, 5, ReportKind.Handled, 1, 0, ReportKind.Delayed, Outcome.Handled)]
    internal void Later_report_wins(int firstTry, int firstSecond, ReportKind first, int secondTry, int secondSecond, ReportKind second, Outcome outcome)
    {
        Report(first, tries: firstTry, at: firstSecond);
        Report(second, tries: secondTry, at: secondSecond);
        Refresh().Outcome.ShouldBe(outcome);
    }

    [Theory]
    [InlineData(Outcome.Handled, ReportKind.Failed, Outcome.Handled)] // the mail was sent; what came after it failed
    [InlineData(Outcome.Handled, ReportKind.Taken, Outcome.Handled)]
    [InlineData(Outcome.Delayed, ReportKind.Handled, Outcome.Delayed)] // the consumer has put the message off, and ended well
    [InlineData(Outcome.Delayed, ReportKind.Failed, Outcome.FailedAgain)] // the ledger does not know that it was the last try
    [InlineData(Outcome.Delayed, ReportKind.Delayed, Outcome.Delayed)]
    [InlineData(null, ReportKind.Handled, Outcome.Handled)]
    internal void Ledger_has_the_last_word_on_what_only_it_knows(Outcome? ledger, ReportKind report, Outcome outcome)
    {
        Report(report);
        Refresh();
        _messages.ToAsk().ShouldContain(message => message.ReplayId == "op.1");
        Answer(ledger);
        _messages.Replayed[0].Outcome.ShouldBe(outcome);
    }

    [Fact]
    public void Report_that_comes_after_the_ledgers_delay_replaces_it()
    {
        Answer(Outcome.Delayed);
        _messages.Replayed[0].Outcome.ShouldBe(Outcome.Delayed);
        Report(ReportKind.Handled);
        Refresh().Outcome.ShouldBe(Outcome.Handled);
        _messages.ToAsk().ShouldContain(message => message.ReplayId == "op.1"); // once more: the ledger may know better
        Answer(null);
        _messages.Replayed[0].Outcome.ShouldBe(Outcome.Handled);
        _messages.ToAsk().ShouldNotContain(message => message.ReplayId == "op.1");
    }

    [Fact]
    public void Report_about_a_message_that_was_not_replayed_is_ignored()
    {
        _reports.See(Of(ReportKind.Handled) with { ReplayId = "op.4" });
        _reports.See(Of(ReportKind.Handled) with { ReplayId = "other.1" });
        _reports.See(Of(ReportKind.Handled) with { ReplayId = "op.01" });
        _reports.See(Of(ReportKind.Handled) with { ReplayId = "op.-1" });
        Refresh();
        Outcomes().ShouldAllBe(outcome => outcome == Outcome.Waiting);
        _reports.Find(4).ShouldBeNull();
    }

    [Fact]
    public async Task Outcomes_after_the_end_follow_the_reports()
    {
        Report(ReportKind.Taken);
        Refresh();
        var ended = 0;
        var reports = new ReplayReports("op", () => 3, _ => Task.FromResult(ended++));
        await using (var later = new LaterOutcomes(new FollowedMessages(reports, _ => null).With(_messages.Replayed), reports))
        {
            await reports.DisposeAsync(); // the end of the replay
            ended.ShouldBe(0);
            later.Replayed[0].Outcome.ShouldBe(Outcome.Waiting);
            reports.See(Of(ReportKind.Handled));
            later.Replayed[0].Outcome.ShouldBe(Outcome.Handled);
        }
        ended.ShouldBe(1);
    }

    private static ReplayReport Of(ReportKind kind) => new()
    {
        ReplayId = "op.1",
        Kind = kind,
        At = _noon,
        Queue = Target,
        Consumer = "Orders.PlaceOrderConsumer",
        Version = "2.4.0",
        Milliseconds = 12,
        Until = _noon.AddMinutes(1),
        ExceptionType = "Orders.StillBroken",
        Reason = "It is still broken",
    };

    private void Report(ReportKind kind, int number = 1, int tries = 1, int at = 0) =>
        _reports.See(Of(kind) with { ReplayId = $"op.{number}", Try = tries, At = _noon.AddSeconds(at) });

    private void See(Outcome outcome) => _seen["op.1"] = new SeenFailure(outcome, _letter, new Cause("12345678", null, "It is still broken", null));

    private void Answer(Outcome? outcome) => _messages.Answered(new Dictionary<string, Outcome?> { ["op.1"] = outcome }, _now += TimeSpan.FromMilliseconds(1));

    private Replayed Refresh()
    {
        _messages.Refresh(_now += TimeSpan.FromMilliseconds(1));
        return _messages.Replayed[0];
    }

    private Outcome[] Outcomes() => [.. _messages.Replayed.Select(message => message.Outcome)];
}

internal static class FollowedMessagesOf
{
    public static FollowedMessages With(this FollowedMessages messages, IEnumerable<Replayed> replayed)
    {
        foreach (var message in replayed)
            messages.Add(message);
        return messages;
    }
}
