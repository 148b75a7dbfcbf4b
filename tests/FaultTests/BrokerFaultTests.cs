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

    /// <summary>During a memory alarm, RabbitMQ reads nothing from a connection that has published, but it still delivers messages.</summary>
    [Theory, Trait(Scale.Form, Scale.LongOnly)]
    [InlineData(20)]
    [InlineData(75)] // longer than a submission may wait for its confirm before Web reports that it is not ready
    public Task All_mails_are_sent_once_when_the_broker_has_a_memory_alarm_under_load(int seconds) =>
        OutOfServiceAsync($"broker, memory alarm for {seconds} s", seconds, broker => broker.SetAlarmAsync(true), broker => broker.SetAlarmAsync(false));

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
