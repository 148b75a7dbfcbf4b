using WorkinIt.Testbed;

namespace WorkinIt.FaultTests;

/// <summary>Replays in the middle of which a process is killed: the outcomes that are shown afterwards are right or not known.</summary>
public sealed class ReplayOutcomeFaultTests
{
    private static readonly string[] _victims = ["command", "host", "application", "broker"];

    [Fact]
    public async Task Outcomes_after_kills_of_the_command_the_host_the_application_and_the_broker_are_right_or_not_known_and_nothing_is_lost()
    {
        var broker = await TestBroker.StartOwnAsync();
        try
        {
            await using var run = await ReplayOutcomeRun.StartAsync(broker.ForOneSystem());
            for (var round = 0; round < Scale.Times(5); round++)
            {
                foreach (var victim in _victims)
                    await run.KillDuringReplayAsync(victim);
            }
            await run.ShouldHaveLostNothingAsync();
        }
        finally
        {
            await broker.RemoveAsync();
            broker.Dispose();
        }
    }
}
