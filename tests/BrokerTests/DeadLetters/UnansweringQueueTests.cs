using WorkinIt.DeadLetters;
using WorkinIt.Testbed;

namespace WorkinIt.BrokerTests.DeadLetters;

/// <summary>On a loaded broker, a quorum queue does not answer within 250 ms. RabbitMQ then reports that it has no messages and no consumers.</summary>
public sealed class UnansweringQueueTests
{
    private static readonly CancellationToken _none = CancellationToken.None;

    [Fact]
    public async Task Full_queue_that_does_not_answer_is_not_taken_for_an_empty_one()
    {
        await using var orders = await Orders.CreateAsync(errorType: "quorum");
        await orders.PutFaultsAsync(3);
        using var broker = TestBroker.FromEnvironment();

        await broker.SuspendQueueAsync(orders.VirtualHost, Orders.Error, TimeSpan.FromSeconds(4));
        (await orders.Channel.QueueDeclarePassiveAsync(Orders.Error)).ShouldSatisfyAllConditions(says => says.MessageCount.ShouldBe(0u), says => says.ConsumerCount.ShouldBe(0u)); // what RabbitMQ says
        var result = await orders.Client.PlanAsync(new ReplayRequest { Queue = Orders.Error, Filter = DeadLetterFilter.All, By = "jane" }, null, _none);

        (result.Held, result.Selected).ShouldBe((3, 3));
    }

    [Fact]
    public async Task Replayed_message_in_a_queue_that_does_not_answer_has_not_left_it()
    {
        await using var orders = await Orders.CreateAsync();
        await orders.PutFaultsAsync(2);
        using var broker = TestBroker.FromEnvironment();
        Task? suspends = null;
        var progress = new ProgressCallback(now =>
        {
            if (now.Waiting)
                suspends ??= broker.SuspendQueueAsync(orders.VirtualHost, Orders.Input, TimeSpan.FromSeconds(3));
        });

        var result = await orders.Client.ReplayAsync(new ReplayRequest { Queue = Orders.Error, Filter = DeadLetterFilter.All, By = "jane", Wait = TimeSpan.FromSeconds(6) }, progress, _none);

        await suspends.ShouldNotBeNull();
        result.Headline.ShouldBe("2 of 2 replayed: 2 may still be in the queue");
        await orders.SeeAsync(Orders.Input, 2);
    }

    private sealed class ProgressCallback(Action<OperationProgress> callback) : IProgress<OperationProgress>
    {
        public void Report(OperationProgress value) => callback(value);
    }
}
