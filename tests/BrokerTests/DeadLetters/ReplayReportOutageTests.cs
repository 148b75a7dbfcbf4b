using WorkinIt.DeadLetters;
using WorkinIt.Testbed;

namespace WorkinIt.BrokerTests.DeadLetters;

/// <summary>The broker is stopped between a replay and the reports about it.</summary>
[Collection(nameof(ABrokerToStop))]
public sealed class ReplayReportOutageTests(ABrokerToStop stoppable)
{
    private static readonly CancellationToken _none = CancellationToken.None;

    [Fact]
    public async Task Restart_of_the_broker_leads_to_outcomes_that_are_right_or_not_known()
    {
        await using var orders = await Orders.CreateAsync(broker: stoppable.Broker.ForOneSystem());
        await orders.PutFaultsAsync(40);
        var before = await ReportingApplication.StartAsync(orders, ReplayReportTests.HandlingOf, _ => TimeSpan.FromSeconds(4), concurrency: 10);
        var replay = orders.Client.ReplayAsync(ReplayReportTests.Request(TimeSpan.FromMinutes(1)), null, _none);
        await Eventually.SeeAsync(() => Task.FromResult(before.Own.Count), count => count >= 10, "ten are done", TimeSpan.FromSeconds(30));

        await stoppable.Broker.KillAsync();
        await stoppable.Broker.StartAsync();
        var result = await replay;
        await using var after = await ReportingApplication.StartAsync(orders, ReplayReportTests.HandlingOf, own: before.Own);
        await Eventually.SeeAsync(() => Task.FromResult(before.Own.Count), count => count == 40, "all are done", TimeSpan.FromSeconds(60));

        result.Done.ShouldBe(40);
        result.Outcomes.Unknown.ShouldBeGreaterThan(0);
        result.Outcomes.LeftQueue.ShouldBe(0);
        result.Replayed.Where(message => message.Outcome is Outcome.Handled or Outcome.FailedAgain or Outcome.Skipped && message.Outcome != ReplayReportTests.Final(ReplayReportTests.HandlingOf(NumberOf(message)))).ShouldBeEmpty();
    }

    [Fact]
    public async Task Reports_wait_while_no_host_runs_also_over_a_restart_of_the_broker()
    {
        await using var orders = await Orders.CreateAsync(broker: stoppable.Broker.ForOneSystem());
        var fed = await CatalogueReplayTests.StartAsync(orders);
        await orders.PutFaultsAsync(20);
        await fed.SeeAgreesAsync(Orders.Error, 20);
        await fed.StopAsync();
        var replay = await orders.Client.ReplayAsync(CatalogueReplayTests.Request(), null, _none);
        await using (await ReportingApplication.StartAsync(orders, _ => Handling.Succeeds))
            await Eventually.SeeAsync(() => orders.VirtualHost.ReadyAsync(ReplayNotice.Queue), ready => ready > 40, "20 were taken and handled, and there is a notice");

        await stoppable.Broker.StopAsync();
        await stoppable.Broker.StartAsync();
        await using var next = await fed.StartAnotherAsync();

        (await CatalogueReplayTests.SeeAsync(next, replay.Id, operation => operation.Total == 20)).Counts.Handled.ShouldBe(20);
        await fed.DisposeAsync();
    }

    // The messages are replayed in the order of their numbers.
    private static int NumberOf(Replayed message) => int.Parse(message.ReplayId.Split('.')[1], System.Globalization.CultureInfo.InvariantCulture) - 1;
}
