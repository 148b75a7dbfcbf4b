using WorkinIt.DeadLetters;
using WorkinIt.Testbed;

namespace WorkinIt.BrokerTests.DeadLetters;

/// <summary>
/// A broker whose own consumer_timeout is shorter than a pass. No API shows this setting. The tests have their own broker, because the timeout
/// applies to all of its queues.
/// </summary>
[Collection(nameof(ABrokerToStop))]
public sealed class BrokerConsumerTimeoutTests(ABrokerToStop broker) : IAsyncDisposable
{
    private static readonly CancellationToken _none = CancellationToken.None;

    /// <summary>From RabbitMQ 4.3 on, a classic queue has no consumer timeout.</summary>
    [Theory]
    [InlineData("quorum")]
    [InlineData("classic")]
    public async Task Consumer_timeout_of_the_broker_during_a_replay_is_named_and_no_message_is_lost(string type)
    {
        await broker.Broker.SetShortConsumerTimeoutAsync();
        await using var orders = await Orders.CreateAsync(type, broker: broker.Broker.ForOneSystem());
        var ids = await orders.PutFaultsAsync(8);
        var request = new ReplayRequest { Queue = Orders.Error, Filter = DeadLetterFilter.All, By = "jane", Wait = TimeSpan.Zero };
        var hasTimeout = type == "quorum" || await VersionAsync() < new Version(4, 3);

        long moved, doubts = 0;
        if (hasTimeout)
        {
            var ended = await Should.ThrowAsync<DeadLetterException>(orders.Client.ReplayAsync(request with { Pace = 0.5 }, null, _none));
            ended.Message.ShouldStartWith("Messages were held longer than RabbitMQ's consumer_timeout");
            if (await VersionAsync() < new Version(4, 3)) // from 4.3 on, RabbitMQ does not report how long the timeout is
                ended.Message.ShouldContain("consumer_timeout of 3 s");
            var entry = (await orders.Client.Audit.ReadAsync(Orders.Error, 10, _none))[0];
            doubts = entry.Doubts.Count;
            doubts.ShouldBeLessThanOrEqualTo(1, ended.Message); // the message whose ack crossed with the broker's timeout
            entry.Done.ShouldBeInRange(1, 7);
            moved = entry.Done;
        }
        else
        {
            moved = (await orders.Client.ReplayAsync(request with { Pace = 0.5 }, null, _none)).Done;
            moved.ShouldBe(8);
        }

        await orders.SeeAsync(Orders.Error, (int)(8 - moved));
        var next = await orders.Client.ReplayAsync(request, null, _none);
        (next.Done + moved).ShouldBe(8);
        var arrived = (await orders.VirtualHost.TakeAllAsync(Orders.Input)).Select(message => Guid.Parse(message.BasicProperties.MessageId!)).ToList();
        arrived.Distinct().ShouldBe(ids, ignoreOrder: true);
        arrived.Count.ShouldBe(8 + (int)doubts);
    }

    /// <summary>A start resets the timeout: the next class has long pauses.</summary>
    public async ValueTask DisposeAsync()
    {
        await broker.Broker.StopAsync();
        await broker.Broker.StartAsync();
    }

    private async Task<Version> VersionAsync() => Version.Parse(await broker.Broker.VersionAsync());
}
