using WorkinIt.DeadLetters;
using WorkinIt.Testbed;

namespace WorkinIt.BrokerTests.DeadLetters;

/// <summary>The feed while the broker or the database is away, and with two hosts.</summary>
[Collection(nameof(ABrokerToStop))]
public sealed class CatalogueOutageTests(ABrokerToStop broker)
{
    [Fact]
    public async Task Feed_goes_on_after_the_broker_was_restarted_killed_and_frozen()
    {
        await using var orders = await Orders.CreateAsync(broker: broker.Broker.ForOneSystem());
        await using var fed = await FedCatalogue.StartAsync(orders.Options);
        await fed.SeeFedAsync(Orders.Error);
        await CatalogueFeedTests.FailAsync(orders, 10);
        await fed.SeeAgreesAsync(Orders.Error, 10);

        await broker.Broker.StopAsync();
        await broker.Broker.StartAsync();
        await using (var channel = await orders.VirtualHost.OpenChannelAsync(confirms: true))
            await channel.BasicPublishAsync(Orders.Error, "", mandatory: true, Orders.Faulted(Guid.CreateVersion7()), "{}"u8.ToArray());
        await fed.SeeAgreesAsync(Orders.Error, 11, TimeSpan.FromSeconds(40));

        await broker.Broker.KillAsync();
        await broker.Broker.StartAsync();
        await using (var channel = await orders.VirtualHost.OpenChannelAsync(confirms: true))
            await channel.BasicPublishAsync(Orders.Error, "", mandatory: true, Orders.Faulted(Guid.CreateVersion7()), "{}"u8.ToArray());
        await fed.SeeAgreesAsync(Orders.Error, 12, TimeSpan.FromSeconds(40));
        await fed.SeeFedAsync(Orders.Error);

        await broker.Broker.FreezeAsync();
        await Task.Delay(TimeSpan.FromSeconds(3));
        await broker.Broker.ThawAsync();
        await using (var channel = await orders.VirtualHost.OpenChannelAsync(confirms: true))
            await channel.BasicPublishAsync(Orders.Error, "", mandatory: true, Orders.Faulted(Guid.CreateVersion7()), "{}"u8.ToArray());
        await fed.SeeAgreesAsync(Orders.Error, 13, TimeSpan.FromSeconds(40));
    }

    [Fact]
    public async Task Feed_of_a_frozen_broker_stops_with_its_host()
    {
        await using var orders = await Orders.CreateAsync(broker: broker.Broker.ForOneSystem());
        var fed = await FedCatalogue.StartAsync(orders.Options);
        await fed.SeeFedAsync(Orders.Error);
        await broker.Broker.FreezeAsync();
        try
        {
            await Task.Delay(500); // it waits for an answer by now
            await fed.StopAsync().WaitAsync(TimeSpan.FromSeconds(8));
        }
        finally
        {
            await broker.Broker.ThawAsync();
        }
        await fed.DisposeAsync();
    }
}

/// <summary>The feed with PostgreSQL.</summary>
public sealed class CataloguePostgresTests
{
    [Fact]
    public async Task Copies_wait_while_the_database_is_away_and_it_is_logged_once()
    {
        await using var postgres = await PostgresServer.CreateAsync();
        await using var orders = await Orders.CreateAsync();
        await using var fed = await FedCatalogue.StartAsync(orders.Options, postgres.ConnectionString);
        await fed.SeeFedAsync(Orders.Error);
        await CatalogueFeedTests.FailAsync(orders, 20);
        await fed.SeeAgreesAsync(Orders.Error, 20);

        await postgres.StopAsync();
        await CatalogueFeedTests.FailAsync(orders, 30);
        await Eventually.SeeAsync(() => fed.Logged.Any(line => line.Contains("can't be written to", StringComparison.Ordinal)), "the failure is logged");
        await CatalogueFeedTests.FailAsync(orders, 30);
        await Task.Delay(TimeSpan.FromSeconds(2));
        await postgres.StartAsync();

        await fed.SeeAgreesAsync(Orders.Error, 80);
        fed.Logged.Count(line => line.Contains("can't be written to", StringComparison.Ordinal)).ShouldBe(1);
        fed.Logged.ShouldNotContain(line => line.Contains("can't be added", StringComparison.Ordinal));
    }

    [Fact]
    public async Task One_of_two_hosts_feeds_the_catalogue_and_the_other_takes_over()
    {
        await using var postgres = await PostgresServer.CreateAsync();
        await using var orders = await Orders.CreateAsync();
        await using var first = await FedCatalogue.StartAsync(orders.Options, postgres.ConnectionString);
        await first.SeeFedAsync(Orders.Error);
        await using var second = await first.StartAnotherAsync();
        await CatalogueFeedTests.FailAsync(orders, 100);
        await second.SeeAgreesAsync(Orders.Error, 100);
        (first.Feed.IsActive, second.Feed.IsActive).ShouldBe((true, false));

        var failing = CatalogueFeedTests.FailAsync(orders, 300);
        await first.StopAsync();
        await Eventually.SeeAsync(() => second.Feed.IsActive, "the second host feeds the catalogue", TimeSpan.FromSeconds(5));
        await failing;
        await second.SeeAgreesAsync(Orders.Error, 400);
    }
}
