using WorkinIt.DeadLetters;
using WorkinIt.DeadLetters.Dashboard.Operations;

namespace WorkinIt.Tests.DeadLetters;

/// <summary>What a page shows of a replay whose catalogue is behind the instance that ran it.</summary>
public sealed class OperationOutcomesTests
{
    private static readonly NewLetter _letter = new("orders_error", "00000000000000aa", "Orders.StillBroken", "It is still broken");
    private static readonly NewLetter _newer = new("orders_error", "00000000000000bb", "Orders.StillBroken", "It is still broken");

    [Fact]
    public void Message_that_is_reported_as_failed_gets_the_new_dead_letter_that_the_catalogue_does_not_have_yet()
    {
        var replayed = new Replayed("1", null, "op.1", Verdict.Good) { Outcome = Outcome.FailedAgain };
        Replayed[] catalogue = [replayed, replayed with { ReplayId = "op.2", NewLetter = _newer }, replayed with { ReplayId = "op.3", Outcome = Outcome.Handled }, replayed with { ReplayId = "op.4", Outcome = Outcome.Skipped }];
        Replayed[] memory = [replayed with { NewLetter = _letter }, replayed with { ReplayId = "op.2", NewLetter = _letter }, replayed with { ReplayId = "op.3", NewLetter = _letter }, catalogue[3]];

        var shown = new OperationOutcomes(OutcomeCounts.Count(catalogue), catalogue.Length, catalogue).WithNewLettersOf(memory);

        shown.Listed.Select(message => message.NewLetter).ShouldBe([_letter, _newer, null, null]);
    }
}
