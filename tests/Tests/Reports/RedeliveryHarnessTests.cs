using System.Collections.Concurrent;
using MassTransit;
using MassTransit.Testing;
using Microsoft.Extensions.DependencyInjection;

namespace WorkinIt.Tests.Reports;

/// <summary>The stamp of a replay and MassTransit's own redelivery, which needs a plugin on RabbitMQ and none in memory.</summary>
public sealed class RedeliveryHarnessTests
{
    [Theory]
    [InlineData("delayed")]
    [InlineData("delayed, new message id")]
    [InlineData("scheduled")]
    [InlineData("outbox")]
    public async Task Redelivered_message_keeps_the_stamp_and_an_event_does_not_get_it(string how)
    {
        var stamps = new ConcurrentQueue<string>();
        await using var provider = new ServiceCollection()
            .AddSingleton(stamps)
            .AddMassTransitTestHarness(bus =>
            {
                bus.DisableUsageTelemetry();
                bus.AddDelayedMessageScheduler();
                bus.AddConsumer<FailingOnce>();
                bus.AddConsumer<ChoreListener>();
                bus.UsingInMemory((context, memory) =>
                {
                    memory.UseDelayedMessageScheduler();
                    memory.UseReplayReports();
                    memory.ReceiveEndpoint("work", endpoint =>
                    {
                        Redeliver(endpoint, how, context);
                        endpoint.ConfigureConsumer<FailingOnce>(context);
                    });
                    memory.ReceiveEndpoint("events", endpoint => endpoint.ConfigureConsumer<ChoreListener>(context));
                });
            })
            .BuildServiceProvider(validateScopes: true);
        var harness = provider.GetRequiredService<ITestHarness>();
        await harness.Start();
        var queue = await harness.Bus.GetSendEndpoint(new Uri("queue:work"));
        await queue.Send(new Chore(), send =>
        {
            send.Headers.Set("Replay-Id", "op1.1");
            send.Headers.Set("Replay-Count", 2);
        });

        var clock = System.Diagnostics.Stopwatch.StartNew();
        while (stamps.Count < 3 && clock.Elapsed < TimeSpan.FromSeconds(30))
            await Task.Delay(20);
        stamps.ShouldBe(["work op1.1 2", "work op1.1 2", "event  "], ignoreOrder: true);
    }

    private static void Redeliver(IInMemoryReceiveEndpointConfigurator endpoint, string how, IRegistrationContext context)
    {
        if (how == "outbox")
            endpoint.UseInMemoryOutbox(context);
        if (how == "scheduled")
            endpoint.UseScheduledRedelivery(redelivery => redelivery.Interval(1, TimeSpan.FromMilliseconds(200)));
        else
            endpoint.UseDelayedRedelivery(redelivery =>
            {
                redelivery.ReplaceMessageId = how == "delayed, new message id";
                redelivery.Interval(1, TimeSpan.FromMilliseconds(200));
            });
    }

    private static string Text(string what, ConsumeContext context) =>
        $"{what} {Header(context, "Replay-Id")} {Header(context, "Replay-Count")}";

    private static object? Header(ConsumeContext context, string name) => context.ReceiveContext.TransportHeaders.TryGetHeader(name, out var value) ? value : null;

    public sealed record Chore;

    public sealed record ChoreDone;

    public sealed class FailingOnce(ConcurrentQueue<string> stamps) : IConsumer<Chore>
    {
        public Task Consume(ConsumeContext<Chore> context)
        {
            stamps.Enqueue(Text("work", context));
            return context.GetRedeliveryCount() == 0 ? throw new NotSupportedException("the first time") : context.Publish(new ChoreDone());
        }
    }

    public sealed class ChoreListener(ConcurrentQueue<string> stamps) : IConsumer<ChoreDone>
    {
        public Task Consume(ConsumeContext<ChoreDone> context)
        {
            stamps.Enqueue(Text("event", context));
            return Task.CompletedTask;
        }
    }
}
