namespace WorkinIt.FaultTests;

public sealed class ProcessCrashTests(ReliabilityTable table)
{
    [Fact]
    public async Task No_mail_is_lost_when_Consumers_are_killed_under_load()
    {
        await using var run = await FaultRun.StartAsync($"Consumers, kill -9 × {Scale.Times(10)}", table, FaultRun.ShortLease);
        run.System.Mail.OnMail = _ => Testbed.SmtpBehaviour.Slow(TimeSpan.FromMilliseconds(10));

        await run.BreakAsync(Scale.Times(10), async () =>
        {
            await run.Consumers.KillAsync();
            await run.Consumers.StartAsync();
            await run.SeeProgressAsync();
        });

        var tally = await run.SettleAsync();
        tally.ShouldBeComplete();
        tally.Held.ShouldBeLessThanOrEqualTo(16 * Scale.Times(10));
        tally.DeadLettered.ShouldBe(0);
    }

    [Fact]
    public async Task All_mails_are_sent_once_when_Web_is_killed_under_load()
    {
        await using var run = await FaultRun.StartAsync($"Web, kill -9 × {Scale.Times(10)}", table);

        await run.BreakAsync(Scale.Times(10), async () =>
        {
            await run.Web.KillAsync();
            await run.Web.StartAsync();
        });

        (await run.SettleAsync()).ShouldBeAllMailedOnce();
    }

    [Fact]
    public async Task All_mails_are_sent_once_when_Consumers_are_stopped_gracefully_under_load()
    {
        await using var run = await FaultRun.StartAsync($"Consumers, SIGTERM × {Scale.Times(10)}", table);
        run.System.Mail.OnMail = _ => Testbed.SmtpBehaviour.Slow(TimeSpan.FromMilliseconds(10));

        await run.BreakAsync(Scale.Times(10), async () =>
        {
            (await run.Consumers.StopAsync()).ShouldBeLessThan(TimeSpan.FromSeconds(30));
            await run.Consumers.StartAsync();
        });

        (await run.SettleAsync()).ShouldBeAllMailedOnce();
    }
}
