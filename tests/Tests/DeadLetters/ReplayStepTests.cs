using WorkinIt.DeadLetters;

namespace WorkinIt.Tests.DeadLetters;

public sealed class ReplayStepTests
{
    [Theory]
    [InlineData(0, new long[0])]
    [InlineData(1, new long[] { 1 })]
    [InlineData(5, new long[] { 5 })] // a handful: steps would save no message
    [InlineData(6, new long[] { 1, 5 })]
    [InlineData(7, new long[] { 1, 5, 1 })]
    [InlineData(126, new long[] { 1, 5, 20, 100 })]
    [InlineData(5000, new long[] { 1, 5, 20, 100, 400, 2000, 2474 })]
    [InlineData(20_000, new long[] { 1, 5, 20, 100, 400, 2000, 5000, 5000, 5000, 2474 })]
    public void Steps_grow_to_five_thousand_and_add_up_to_all_messages(long messages, long[] steps) => ReplaySteps.Of(messages, atOnce: false).ShouldBe(steps);

    [Theory]
    [InlineData(1000, true, false, new long[] { 1000 })]
    [InlineData(1000, true, true, new long[] { 1, 999 })]
    [InlineData(4, false, true, new long[] { 1, 3 })]
    [InlineData(1, true, true, new long[] { 1 })]
    [InlineData(30, false, true, new long[] { 1, 5, 20, 4 })]
    public void Canary_is_the_first_step(long messages, bool atOnce, bool hasCanary, long[] steps) => ReplaySteps.Of(messages, atOnce, hasCanary).ShouldBe(steps);

    [Fact]
    public void Replay_has_no_steps_if_it_moves_all_at_once_or_few_or_waits_for_no_outcome()
    {
        var request = new ReplayRequest { Queue = "orders_error", Filter = DeadLetterFilter.All, By = "jane" };

        ReplaySteps.Has(request, 6).ShouldBeTrue();
        ReplaySteps.Has(request, 5).ShouldBeFalse();
        ReplaySteps.Has(request with { Expected = 5 }, 1000).ShouldBeFalse();
        ReplaySteps.Has(request with { Filter = DeadLetterFilter.ById(["1", "2"]) }, 1000).ShouldBeFalse();
        ReplaySteps.Has(request with { Filter = DeadLetterFilter.ById(Enumerable.Range(0, 6).Select(id => $"{id}")) }, 1000).ShouldBeTrue();
        ReplaySteps.Has(request with { AllAtOnce = true }, 1000).ShouldBeFalse();
        ReplaySteps.Has(request with { Wait = TimeSpan.Zero }, 1000).ShouldBeFalse();
    }

    [Fact]
    public void After_a_pause_the_first_step_has_one_message_again()
    {
        var steps = new ReplaySteps();
        steps.Next();
        steps.Next();
        (steps.Number, steps.Size).ShouldBe((3, 20));
        steps.Restart();
        (steps.Number, steps.Size).ShouldBe((1, 1));
    }
}
