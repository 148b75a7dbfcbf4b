using WorkinIt.DeadLetters;
using WorkinIt.Testbed;

namespace WorkinIt.BrokerTests.DeadLetters;

/// <summary>The connections of an operation, and acks that the broker never received.</summary>
public sealed class ConnectionTests
{
    private static readonly CancellationToken _none = CancellationToken.None;

    [Fact]
    public async Task Messages_whose_ack_was_lost_with_the_connection_are_not_counted_and_the_audit_log_names_them()
    {
        const int Total = 4000;
        await using var orders = await Orders.CreateAsync();
        await orders.PutFaultsAsync(Total);
        var address = new Uri(orders.VirtualHost.ConnectionString("operator"));
        await using var proxy = new SwallowingProxy(address.Host, address.Port);
        using var client = new DeadLetterClient(
            DeadLetterOptions.Parse(new UriBuilder(address) { Port = proxy.Port }.Uri.ToString(), TestBroker.FromEnvironment().Management.BaseAddress!),
            orders.Client.Audit);
        Task? broken = null;
        var progress = new ProgressCallback(now =>
        {
            if (now.Done >= 100)
                broken ??= BreakAsync(proxy);
        });

        var failure = await Should.ThrowAsync<DeadLetterException>(client.ReplayAsync(
            new ReplayRequest { Queue = Orders.Error, Filter = DeadLetterFilter.All, By = "jane", Wait = TimeSpan.Zero }, progress, _none));
        await broken.ShouldNotBeNull();

        failure.Message.ShouldContain("never acknowledged here");
        var entry = (await client.Audit.ReadAsync(Orders.Error, 1, _none))[0];
        var arrived = await orders.VirtualHost.ReadyAsync(Orders.Input);
        var left = await Eventually.SeeAsync(() => orders.VirtualHost.ReadyAsync(Orders.Error), ready => ready + arrived > Total, "the messages whose ack was lost are in both queues");
        (left + arrived - Total).ShouldBeLessThanOrEqualTo(entry.Doubts.Count);
        entry.Done.ShouldBeLessThanOrEqualTo(Total - left);
    }

    [Fact]
    public async Task Reading_a_queue_opens_no_connection_for_publishing()
    {
        await using var orders = await Orders.CreateAsync();
        await orders.PutFaultsAsync(3);
        var address = new Uri(orders.VirtualHost.ConnectionString("operator"));
        await using var proxy = new SwallowingProxy(address.Host, address.Port);
        using var client = new DeadLetterClient(
            DeadLetterOptions.Parse(new UriBuilder(address) { Port = proxy.Port }.Uri.ToString(), TestBroker.FromEnvironment().Management.BaseAddress!),
            orders.Client.Audit);

        (await client.ListAsync(Orders.Error, DeadLetterFilter.All, 0, 10, "jane", _none)).Letters.Count.ShouldBe(3);

        proxy.Connections.ShouldBe(1);
    }

    [Fact]
    public async Task Next_operation_finds_the_lock_free_as_soon_as_the_previous_one_has_ended()
    {
        await using var orders = await Orders.CreateAsync();
        await orders.PutFaultsAsync(1);
        for (var i = 0; i < 30; i++)
        {
            await orders.Client.ListAsync(Orders.Error, DeadLetterFilter.All, 0, 10, "jane", _none);
            await orders.Client.ReplayAsync(
                new ReplayRequest { Queue = Orders.Error, Filter = DeadLetterFilter.ById("none"), By = "jane", Wait = TimeSpan.Zero }, null, _none); // does not wait for a lock
        }
    }

    // Drops everything sent on the reader's connection, which is the first one, and closes the connection a second later.
    private static async Task BreakAsync(SwallowingProxy proxy)
    {
        const int Reader = 0;
        await proxy.SwallowAsync(Reader);
        await Task.Delay(TimeSpan.FromSeconds(1), TestContext.Current.CancellationToken);
        await proxy.HangUpAsync(Reader);
    }

    private sealed class ProgressCallback(Action<OperationProgress> callback) : IProgress<OperationProgress>
    {
        public void Report(OperationProgress value) => callback(value);
    }
}
