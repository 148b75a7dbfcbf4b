namespace WorkinIt.FaultTests;

internal static class TallyExpectations
{
    /// <summary>Nothing lost, nothing twice, and the parts are the whole.</summary>
    public static void ShouldBeComplete(this Tally tally)
    {
        tally.Lost.ShouldBe(0, tally.ToString());
        tally.MailedTwice.ShouldBe(0, tally.ToString());
        (tally.MailedOnce + tally.Held + tally.DeadLettered).ShouldBe(tally.Accepted, tally.ToString());
    }

    /// <summary>As if nothing had happened.</summary>
    public static void ShouldBeAllMailedOnce(this Tally tally)
    {
        tally.ShouldBeComplete();
        tally.MailedOnce.ShouldBe(tally.Accepted, tally.ToString());
    }
}
