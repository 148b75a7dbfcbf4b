using WorkinIt.Testbed;

namespace WorkinIt.FaultTests;

/// <summary>The mail server has taken them, and the broker takes no event of it: no dead letter may come of that.</summary>
[Trait(Scale.Form, Scale.LongOnly)]
public sealed class BrokerFreezeAfterMailTests(ReliabilityTable table)
{
    private const int AtOnce = 16; // Consumer__ConcurrentMessageLimit

    [Theory]
    [InlineData(15)] // longer than an event waits for its confirm, shorter than two heartbeats
    [InlineData(40)] // the connections are given up meanwhile
    public async Task Sent_mails_are_not_dead_lettered_when_the_broker_freezes_before_their_events(int seconds)
    {
        await using var run = await FaultRun.StartAsync(
            $"broker, frozen for {seconds} s between mails and their events", table, ("Smtp__SendTimeout", "00:00:25")); // to the mail server's answer
        await run.LoadAsync(200 - AtOnce);
        await run.System.SeeMailsAsync(200 - AtOnce);
        run.System.Mail.Next(Enumerable.Repeat(SmtpBehaviour.Stall(SmtpStage.AfterDot), AtOnce));
        await run.LoadAsync(AtOnce);
        await Eventually.SeeAsync(() => run.System.Mail.StalledNow == AtOnce, $"{AtOnce} mails wait for their answer");

        await run.System.Broker.FreezeAsync();
        try
        {
            run.System.Mail.Release();
            await run.System.SeeMailsAsync(200);
            await Task.Delay(TimeSpan.FromSeconds(seconds)); // the fault itself
        }
        finally
        {
            await run.System.Broker.ThawAsync();
        }

        (await run.SettleAsync()).ShouldBeAllMailedOnce();
    }
}
