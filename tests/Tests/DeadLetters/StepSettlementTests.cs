using WorkinIt.DeadLetters;

namespace WorkinIt.Tests.DeadLetters;

public sealed class StepSettlementTests
{
    private static readonly TimeSpan _wait = TimeSpan.FromSeconds(60);

    private readonly StepSettlement _step = new(_wait, TimeSpan.Zero);

    [Fact]
    public void Step_is_settled_as_soon_as_all_outcomes_are_known()
    {
        Look(0, new StepCounts(0, 3, 2, 0)).ShouldBe(Settlement.Open);
        Look(0.1, new StepCounts(1, 4, 0, 0)).ShouldBe(Settlement.Settled);
    }

    [Fact]
    public void Without_reports_it_is_settled_when_no_failure_was_seen_for_a_while_after_the_messages_left_the_queue()
    {
        Look(0, new StepCounts(0, 0, 0, 5), reports: false, ready: 5).ShouldBe(Settlement.Open);
        Look(10, new StepCounts(0, 0, 5, 0), reports: false).ShouldBe(Settlement.Open);
        Look(11.9, new StepCounts(0, 0, 5, 0), reports: false).ShouldBe(Settlement.Open);
        Look(11.95, new StepCounts(1, 0, 4, 0), reports: false).ShouldBe(Settlement.Open); // a failure: others may follow
        Look(13.9, new StepCounts(1, 0, 4, 0), reports: false).ShouldBe(Settlement.Open);
        Look(14, new StepCounts(1, 0, 4, 0), reports: false).ShouldBe(Settlement.Settled);
    }

    [Fact]
    public void With_reports_it_waits_for_each_outcome_until_there_was_no_news_for_the_whole_wait()
    {
        Look(0, new StepCounts(0, 0, 5, 0)).ShouldBe(Settlement.Open);
        Look(50, new StepCounts(0, 1, 4, 0)).ShouldBe(Settlement.Open);
        Look(109, new StepCounts(0, 1, 4, 0)).ShouldBe(Settlement.Open);
        Look(110, new StepCounts(0, 1, 4, 0)).ShouldBe(Settlement.TimedOut);
    }

    [Fact]
    public void Queue_that_becomes_shorter_is_news_and_one_that_only_grows_is_not()
    {
        Look(0, new StepCounts(0, 0, 0, 5), ready: 500).ShouldBe(Settlement.Open);
        Look(59, new StepCounts(0, 0, 0, 5), ready: 499).ShouldBe(Settlement.Open);
        Look(118, new StepCounts(0, 0, 0, 5), ready: 700).ShouldBe(Settlement.Open);
        Look(119, new StepCounts(0, 0, 0, 5), ready: 499).ShouldBe(Settlement.TimedOut);
    }

    [Fact]
    public void Step_of_which_nothing_left_its_queue_has_a_stuck_consumer()
    {
        Look(0, new StepCounts(0, 0, 0, 5), ready: 5).ShouldBe(Settlement.Open);
        Look(60, new StepCounts(0, 0, 0, 5), ready: 9).ShouldBe(Settlement.NoneLeft);
    }

    [Fact]
    public void Step_whose_queue_was_not_counted_is_not_reported_as_one_whose_consumers_took_none()
    {
        Look(0, new StepCounts(0, 0, 0, 5), ready: null).ShouldBe(Settlement.Open);
        Look(60, new StepCounts(0, 0, 0, 5), ready: null).ShouldBe(Settlement.NotCounted);
        _step.Reason(Settlement.NotCounted, null).ShouldBe("RabbitMQ could not count them for 60 s");
    }

    [Fact]
    public void Reason_of_a_stuck_step_says_only_what_was_seen()
    {
        Look(0, new StepCounts(0, 0, 0, 5), ready: 5).ShouldBe(Settlement.Open);
        Look(18, new StepCounts(0, 0, 0, 5), ready: 5).ShouldBe(Settlement.Open);
        Look(60, new StepCounts(0, 0, 0, 5), ready: null).ShouldBe(Settlement.NotCounted);
        _step.Reason(Settlement.NotCounted, null).ShouldBe("none was seen leaving, and RabbitMQ has not counted them for the last 42 s");

        Look(61, new StepCounts(0, 0, 0, 5), ready: 5).ShouldBe(Settlement.NoneLeft);
        _step.Reason(Settlement.NoneLeft, null).ShouldBe("none was seen leaving for 60 s");
        _step.Reason(Settlement.NoConsumer, "orders").ShouldBe("orders has no consumer");
    }

    [Fact]
    public void Queue_without_a_consumer_is_reported_after_the_time_that_a_reconnect_takes()
    {
        Look(0, new StepCounts(0, 0, 0, 5), hasConsumer: false).ShouldBe(Settlement.Open);
        Look(4.9, new StepCounts(0, 0, 0, 5), hasConsumer: false).ShouldBe(Settlement.Open);
        Look(4.95, new StepCounts(0, 0, 0, 5), hasConsumer: true).ShouldBe(Settlement.Open); // it is back
        Look(5, new StepCounts(0, 0, 0, 5), hasConsumer: false).ShouldBe(Settlement.Open);
        Look(10, new StepCounts(0, 0, 0, 5), hasConsumer: false).ShouldBe(Settlement.NoConsumer);
    }

    private Settlement Look(double second, StepCounts step, bool reports = true, long? ready = 0, bool hasConsumer = true) =>
        _step.Look(step, reports, ready, hasConsumer, TimeSpan.FromSeconds(second));
}
