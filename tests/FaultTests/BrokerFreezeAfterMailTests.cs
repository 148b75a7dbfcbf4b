using WorkinIt.Testbed;

namespace WorkinIt.FaultTests;

/// <summary>The mail server has accepted the mails, but the broker does not accept their events. This must not produce dead letters.</summary>
[Trait(Scale.Form, Scale.LongOnly)]
public sealed class BrokerFreezeAfterMailTests(ReliabilityTable table)
{
    private const int Concurrent = 16; // Consumer__ConcurrentMessageLimit

    [Theory]
    [InlineData(15)] // longer than an event waits for its confirm, shorter than two heartbeat intervals
    [InlineData(40)] // long enough that the connections are closed
    public async Task Sent_mails_are_not_dead_lettered_when_the_broker_freezes_before_their_events(int seconds)
    {
        await using var run = await FaultRun.StartAsync(
            $"broker, frozen for {seconds} s between mails and their events", table, ("Smtp__SendTimeout", "00:00:25")); // the time limit for the mail server's reply
        await run.LoadAsync(200 - Concurrent);
        await run.System.SeeMailsAsync(200 - Concurrent);
        run.System.Mail.Next(Enumerable.Repeat(SmtpBehaviour.Stall(SmtpStage.AfterDot), Concurrent));
        await run.LoadAsync(Concurrent);
        await Eventually.SeeAsync(() => run.System.Mail.StalledNow == Concurrent, $"{Concurrent} mails waiting for the server's reply");

        await run.System.Broker.FreezeAsync();
        try
        {
            run.System.Mail.Release();
            await run.System.SeeMailsAsync(200);
            await Task.Delay(TimeSpan.FromSeconds(seconds)); // duration of the fault
        }
        finally
        {
            await run.System.Broker.ThawAsync();
        }

        (await run.SettleAsync()).ShouldBeAllMailedOnce();
    }
}
