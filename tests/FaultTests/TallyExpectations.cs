namespace WorkinIt.FaultTests;

internal static class TallyExpectations
{
    /// <summary>Asserts that no submission was lost or mailed twice, and that the outcomes add up to the accepted submissions.</summary>
    public static void ShouldBeComplete(this Tally tally)
    {
        tally.Lost.ShouldBe(0, tally.ToString());
        tally.MailedTwice.ShouldBe(0, tally.ToString());
        (tally.MailedOnce + tally.Held + tally.DeadLettered).ShouldBe(tally.Accepted, tally.ToString());
    }

    /// <summary>Asserts that every accepted submission was mailed exactly once, as in a run without faults.</summary>
    public static void ShouldBeAllMailedOnce(this Tally tally)
    {
        tally.ShouldBeComplete();
        tally.MailedOnce.ShouldBe(tally.Accepted, tally.ToString());
    }
}
