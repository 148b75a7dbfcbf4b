namespace WorkinIt.FaultTests;

public sealed class TheBrokerBreaks(ReliabilityTable table)
{
    [Fact]
    public async Task Stopped_and_started_under_load()
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
    public async Task Killed_under_load()
    {
        await using var run = await FaultRun.StartAsync($"broker, kill -9 × {Scale.Times(3)}", table);

        await run.BreakAsync(Scale.Times(3), async () =>
        {
            await run.System.Broker.KillAsync();
            await run.System.Broker.StartAsync();
        });

        (await run.SettleAsync()).ShouldBeAllMailedOnce();
    }
}
