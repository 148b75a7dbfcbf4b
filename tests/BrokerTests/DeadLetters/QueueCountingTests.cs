using RabbitMQ.Client;
using WorkinIt.DeadLetters;
using WorkinIt.Testbed;

namespace WorkinIt.BrokerTests.DeadLetters;

/// <summary>How queues are counted that RabbitMQ can't count, and queues of a distant broker.</summary>
public sealed class QueueCountingTests
{
    private static readonly CancellationToken _none = CancellationToken.None;

    [Theory]
    [InlineData(0)]
    [InlineData(400)]
    public async Task Empty_queue_is_counted_however_distant_the_broker_is_and_a_queue_that_does_not_answer_never_is(int latency)
    {
        await using var orders = await Orders.CreateAsync("quorum");
        using var broker = TestBroker.FromEnvironment();
        await using var proxy = new DistantProxy(broker.Amqp, TimeSpan.FromMilliseconds(latency));
        await using var connection = await ConnectAsync(orders, proxy);
        var queues = new QueueDeclarations(connection);

        (await queues.ReadyAsync(Orders.Error, _none)).ShouldBe(0); // the highest number of tries allows for a slow moment of this machine
        proxy.Unanswered = 1;
        (await queues.TryReadyAsync(Orders.Error, _none)).ShouldBeNull();
        proxy.Unanswered = 1;
        (await queues.TryCountsAsync(Orders.Error, _none)).ShouldBe((null, 1u));
        proxy.Unanswered = 2;
        (await queues.ReadyAsync(Orders.Error, _none)).ShouldBe(0);
        proxy.Unanswered.ShouldBeLessThanOrEqualTo(0);
    }

    [Fact]
    public async Task Messages_are_given_back_in_their_order_although_the_queue_can_not_be_counted()
    {
        await using var orders = await Orders.CreateAsync("quorum");
        var ids = await orders.PutFaultsAsync(200);
        await orders.SeeAsync(Orders.Error, 200);
        using var broker = TestBroker.FromEnvironment();
        await using var proxy = new DistantProxy(broker.Amqp, TimeSpan.Zero);
        await using (var session = await QueueSession.OpenAsync(OptionsOf(orders, proxy), Orders.Error, "list", "jane", TimeSpan.Zero, (_, _) => Task.FromResult("nobody"), _none))
        {
            session.IsQuorum = true;
            var taken = 0;
            await foreach (var window in session.TakeAsync(200, 1, _none))
                taken += window.Count;
            (taken, await orders.VirtualHost.ReadyAsync(Orders.Error)).ShouldBe((200, 0L));

            proxy.Unanswered = 20; // as often as it is asked
            if (session.BrokerVersion >= new Version(4, 3))
                await session.GiveBackAsync(); // returned messages go first there: it takes no others, and needs no count
            else
                (await Should.ThrowAsync<DeadLetterException>(() => session.GiveBackAsync())).Message.ShouldContain("can't count the messages");
            (await orders.VirtualHost.ReadyAsync(Orders.Error)).ShouldBe(200);
        }
        (await orders.Client.ListAsync(Orders.Error, DeadLetterFilter.All, 0, 200, "jane", _none)).Letters.Select(letter => letter.MessageId).ShouldBe(ids.Select(id => id.ToString()));
    }

    private static Task<IConnection> ConnectAsync(Orders orders, DistantProxy proxy) => BrokerConnection.OpenAsync(OptionsOf(orders, proxy), "test", _none);

    private static DeadLetterOptions OptionsOf(Orders orders, DistantProxy proxy)
    {
        using var broker = TestBroker.FromEnvironment();
        return DeadLetterOptions.Parse(
            orders.VirtualHost.ConnectionString("operator").Replace($":{broker.Amqp.Port}/", $":{proxy.Port}/", StringComparison.Ordinal), broker.Management.BaseAddress!);
    }
}
