using WorkinIt.DeadLetters;

namespace WorkinIt.Tests.DeadLetters;

public sealed class PauseRuleTests
{
    private readonly PauseRule _rule = new(0.2);

    [Theory]
    [InlineData(1, 0, true)] // the first message: the only outcome is a failure
    [InlineData(0, 1, false)]
    [InlineData(1, 4, false)] // 20 %, but only one failure
    [InlineData(2, 3, false)] // 40 %, but only two failures
    [InlineData(3, 2, true)]
    [InlineData(3, 17, false)] // 15 %
    [InlineData(4, 16, true)] // 20 %
    [InlineData(19, 81, false)]
    [InlineData(20, 80, true)]
    [InlineData(2, 0, true)] // no other outcome
    public void Step_that_has_ended_pauses_at_the_share_of_failures_and_at_least_three_or_if_all_failed(long failed, long good, bool pauses) =>
        _rule.IsReached(new StepCounts(failed, good, 0, 0), failed + good, hasEnded: true, reports: true).ShouldBe(pauses);

    [Theory]
    [InlineData(3, 0, 97, false)] // three fast failures of 100 decide nothing
    [InlineData(19, 0, 81, false)]
    [InlineData(20, 0, 80, true)] // whatever the other 80 do
    public void Step_that_goes_on_pauses_as_soon_as_the_limit_is_certain(long failed, long good, long waiting, bool pauses) =>
        _rule.IsReached(new StepCounts(failed, good, 0, waiting), 100, hasEnded: false, reports: true).ShouldBe(pauses);

    [Fact]
    public void Step_of_which_only_a_part_was_moved_is_measured_by_its_full_size()
    {
        _rule.IsReached(new StepCounts(3, 0, 0, 0), 100, hasEnded: false, reports: true).ShouldBeFalse();
        _rule.IsReached(new StepCounts(20, 0, 0, 0), 100, hasEnded: false, reports: true).ShouldBeTrue();
    }

    [Fact]
    public void Messages_without_a_word_count_as_good_only_if_the_application_never_reports()
    {
        var step = new StepCounts(Failed: 10, Good: 0, Left: 90, Waiting: 0);
        _rule.IsReached(step, 100, hasEnded: true, reports: false).ShouldBeFalse(); // 10 % of 100
        _rule.IsReached(step, 100, hasEnded: true, reports: true).ShouldBeTrue(); // all known outcomes are failures
        _rule.IsReached(new StepCounts(0, 0, 90, 10), 100, hasEnded: true, reports: true).ShouldBeFalse(); // unknown is not failed
    }

    [Fact]
    public void Skipped_messages_are_failures_and_delayed_ones_are_not()
    {
        StepCounts.Of([Replayed(Outcome.Skipped), Replayed(Outcome.FailedAgain), Replayed(Outcome.Delayed), Replayed(Outcome.Handled), Replayed(Outcome.LeftQueue), Replayed(Outcome.Waiting)])
            .ShouldBe(new StepCounts(Failed: 2, Good: 2, Left: 1, Waiting: 1));
    }

    private static Replayed Replayed(Outcome outcome) => new("id", null, "replay.1", Verdict.Good) { Outcome = outcome };
}
