using WorkinIt.Testbed;

namespace WorkinIt.FaultTests;

public sealed class BrokerFaultTests(ReliabilityTable table)
{
    [Fact]
    public async Task All_mails_are_sent_once_when_the_broker_is_stopped_and_started_under_load()
    {
        await using var run = await FaultRun.StartAsync($"broker, stop and start × {Scale.Times(3)}", table);

        await run.BreakAsync(Scale.Times(3), async () =>
        {
            await run.System.Broker.StopAsync();
            await run.System.Broker.StartAsync();
        });

        (await run.SettleAsync()).ShouldBeAllMailedOnce();
    }

    [Fact]
    public async Task All_mails_are_sent_once_when_the_broker_is_killed_under_load()
    {
        await using var run = await FaultRun.StartAsync($"broker, kill -9 × {Scale.Times(3)}", table);

        await run.BreakAsync(Scale.Times(3), async () =>
        {
            await run.System.Broker.KillAsync();
            await run.System.Broker.StartAsync();
        });

        (await run.SettleAsync()).ShouldBeAllMailedOnce();
    }

    [Theory, Trait(Scale.Form, Scale.LongOnly)]
    [InlineData(5)]
    [InlineData(18)]
    [InlineData(40)]
    [InlineData(90)]
    public Task All_mails_are_sent_once_when_the_broker_is_frozen_under_load(int seconds) =>
        OutOfServiceAsync($"broker, frozen for {seconds} s", seconds, broker => broker.FreezeAsync(), broker => broker.ThawAsync());

    /// <summary>During an alarm, RabbitMQ reads nothing from a connection that has published, but it still delivers messages.</summary>
    [Theory, Trait(Scale.Form, Scale.LongOnly)]
    [InlineData("memory", 20)]
    [InlineData("memory", 75)] // longer than a submission may wait for its confirm before Web reports that it is not ready
    [InlineData("disk", 20)]
    public Task All_mails_are_sent_once_when_the_broker_has_an_alarm_under_load(string resource, int seconds) => OutOfServiceAsync(
        $"broker, {resource} alarm for {seconds} s", seconds, broker => broker.SetAlarmAsync(true, resource), broker => broker.SetAlarmAsync(false, resource));

    private async Task OutOfServiceAsync(string fault, int seconds, Func<TestBroker, Task> begin, Func<TestBroker, Task> end)
    {
        var broker = await TestBroker.StartOwnAsync();
        try
        {
            await using var run = await FaultRun.StartOnAsync(broker.ForOneSystem(), fault, table);
            var load = run.LoadAsync(30 * (seconds + 10), pause: TimeSpan.FromMilliseconds(33));
            await Eventually.SeeAsync(() => run.AcceptedSoFar >= 150, "150 submissions accepted");
            await begin(broker);
            var outage = Task.Delay(TimeSpan.FromSeconds(seconds));
            if (seconds > 10) // a shorter one may be over before anything notices it
                await run.Web.SeeReadyAsync(false, TimeSpan.FromSeconds(seconds));
            await outage;
            await end(broker);
            await load;

            (await run.SettleAsync()).ShouldBeAllMailedOnce();
        }
        finally
        {
            await broker.RemoveAsync();
            broker.Dispose();
        }
    }
}
