using System.Reflection;
using MassTransit;
using MassTransit.Context;
using RabbitMQ.Client;

namespace WorkinIt.Tests.Reports;

/// <summary>What UseReplayReports costs a message that was not replayed.</summary>
public sealed class ReportCostTests
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Message_that_was_not_replayed_allocates_nothing(bool hasHeaders)
    {
        var bus = DispatchProxy.Create<IBusFactoryConfigurator, Bus>();
        bus.UseReplayReports();
        var observer = ((Bus)(object)bus).Observer!;
        var message = new Message(hasHeaders ? new Dictionary<string, object?> { ["MT-Activity-Id"] = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", ["Content-Type"] = "application/json" } : null);
        await ReceiveAsync(observer, message, 100);

        var before = GC.GetAllocatedBytesForCurrentThread();
        var received = ReceiveAsync(observer, message, 10_000);
        var allocated = GC.GetAllocatedBytesForCurrentThread() - before;

        received.IsCompletedSuccessfully.ShouldBeTrue();
        await received;
        allocated.ShouldBe(0);
    }

    private static Task ReceiveAsync(IReceiveObserver observer, ReceiveContext message, int times)
    {
        for (var i = 0; i < times; i++)
        {
            if (observer.PreReceive(message) is { IsCompletedSuccessfully: false } before)
                return before;
            if (observer.PostReceive(message) is { IsCompletedSuccessfully: false } after)
                return after;
        }
        return Task.CompletedTask;
    }

#pragma warning disable CA1852, CA1812 // DispatchProxy derives from it
    /// <summary>Keeps the observer that a bus gets.</summary>
    internal class Bus : DispatchProxy
#pragma warning restore CA1852, CA1812
    {
        public IReceiveObserver? Observer { get; private set; }

        protected override object? Invoke(MethodInfo? targetMethod, object?[]? args)
        {
            Observer = args!.OfType<IReceiveObserver>().Single();
            return null;
        }
    }

    private sealed class Message(IDictionary<string, object?>? headers) : ReceiveContextProxy(null!), RabbitMqBasicConsumeContext
    {
        public string Exchange => "";

        public string ConsumerTag => "";

        public ulong DeliveryTag => 1;

        public string RoutingKey => "";

        public IReadOnlyBasicProperties Properties { get; } = new BasicProperties { Headers = headers };

        public override bool TryGetPayload<TPayload>(out TPayload payload)
        {
            payload = (this as TPayload)!;
            return payload is not null;
        }
    }
}
