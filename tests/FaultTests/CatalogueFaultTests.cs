using System.Security.Cryptography;
using WorkinIt.Testbed;

namespace WorkinIt.FaultTests;

/// <summary>The catalogue while its host is killed, or its broker is restarted, under load.</summary>
public sealed class CatalogueFaultTests
{
    private static readonly int _kills = Scale.IsLong ? 20 : 3;

    [Fact]
    public async Task Catalogue_agrees_with_the_queues_after_its_host_was_killed_under_load()
    {
        await using var run = await CatalogueRun.StartAsync(TestBroker.FromEnvironment());
        for (var kill = 1; kill <= _kills; kill++)
        {
            // Every other kill comes while the host still starts, takes over the feed and reads queues.
            if (kill % 2 == 1)
                await run.SeeProgressAsync();
            await Task.Delay(RandomNumberGenerator.GetInt32(0, 1500));
            await run.Host.KillAsync();
            await run.Host.StartAsync();
        }
        await run.SettleAsync($"the host of the catalogue, kill -9 × {_kills}", interruptions: _kills);
    }

    [Fact]
    public async Task Catalogue_agrees_with_the_queues_after_its_broker_was_restarted_under_load()
    {
        var broker = await TestBroker.StartOwnAsync();
        try
        {
            await using var run = await CatalogueRun.StartAsync(broker.ForOneSystem());
            for (var restart = 1; restart <= Scale.Times(3); restart++)
            {
                await run.SeeProgressAsync();
                await broker.StopAsync();
                await broker.StartAsync();
            }
            await run.SeeProgressAsync();
            await run.SettleAsync($"the broker of the catalogue, stop and start × {Scale.Times(3)}", interruptions: Scale.Times(3));
        }
        finally
        {
            await broker.RemoveAsync();
            broker.Dispose();
        }
    }
}
