using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Text;
using System.Text.Json;
using MassTransit;
using MassTransit.Scheduling;
using RabbitMQ.Client;
using WorkinIt.BrokerTests.DeadLetters;
using WorkinIt.DeadLetters;
using WorkinIt.Testbed;

namespace WorkinIt.BrokerTests.Reports;

/// <summary>The outcomes of a replay, compared with the account of the application whose dead letters were replayed: retries, redelivery, and what it does not consume.</summary>
public sealed class RealOutcomeTests
{
    private static readonly bool _isLong = Environment.GetEnvironmentVariable("WORKINIT_TEST_LONG") == "1";

    [Fact]
    public async Task Each_outcome_of_an_application_with_slow_consumers_and_a_queue_that_is_never_empty_is_what_it_did()
    {
        var (count, slow) = _isLong ? (1000, 25) : (100, 3);
        await using var application = await RealApplication.CreateAsync();
        await application.StartAsync(Limited);
        await application.FailAsync(count);
        application.Work.Handle = async (context, tries) =>
        {
            var number = context.Message.Number;
            await Task.Delay(BusyQueue.Is(number) ? 1000 : number % 20 == 3 ? slow * 1000 : number % 10);
            if (!BusyQueue.Is(number) && (number % 7 == 0 || (number % 5 == 0 && tries == 1)))
                throw new WorkException("still broken");
        };
        await using var busy = await StartBusyAsync(application);

        var result = await application.ReplayAsync(waitSeconds: 300);

        busy.Lowest.ShouldBeGreaterThan(0);
        var failed = Enumerable.Range(0, count).Count(number => number % 7 == 0);
        await application.ShouldAgreeAsync(result.Replayed, $"{failed} failed again, {count - failed} handled");
        result.Replayed.Where(message => message.Outcome == Outcome.FailedAgain).ShouldAllBe(message => message.NewLetter != null && message.NewLetter.Queue == application.Error);
        result.Replayed.Count(message => message.Reported?.Milliseconds >= (slow - 1) * 1000).ShouldBeGreaterThan(0);
        result.Replayed.Where(message => message.Reported is not null).ShouldAllBe(message => message.Reported!.Consumer == "WorkinIt.BrokerTests.Reports.WorkConsumer");
    }

    [Fact]
    public async Task Command_shows_the_outcomes_that_the_application_has_counted_in_steps_on_a_queue_that_is_never_empty()
    {
        await using var application = await RealApplication.CreateAsync();
        await application.StartAsync(Limited);
        await application.FailAsync(60);
        var (arrived, poison) = (0, new ConcurrentDictionary<int, int>());
        application.Work.Handle = async (context, tries) =>
        {
            var number = context.Message.Number;
            await Task.Delay(BusyQueue.Is(number) ? 1000 : 5);
            if (!BusyQueue.Is(number) && tries == 1 && Interlocked.Increment(ref arrived) % 11 == 10) // five, none of them in the first steps
                poison[number] = 1;
            if (poison.ContainsKey(number))
                await Work.FailAsync();
        };
        await using var busy = await StartBusyAsync(application);

        var replay = await application.Command.RunAsync("dead-letters", "replay", "--queue", application.Error, "--all", "--wait", "60s", "--yes", "--json");

        busy.Lowest.ShouldBeGreaterThan(0);
        var counts = replay.Json.GetProperty("counts");
        (counts.GetProperty("handled").GetInt32(), counts.GetProperty("failedAgain").GetInt32(), counts.GetProperty("unknown").GetInt32()).ShouldBe((55, 5, 0), replay.ToString());
        application.Work.Handled.Count(number => number < 60).ShouldBe(55);
        (await application.VirtualHost.ReadyAsync(application.Error)).ShouldBe(5);
    }

    [Fact]
    public async Task Without_the_package_no_outcome_is_claimed_except_for_new_dead_letters()
    {
        await using var application = await RealApplication.CreateAsync();
        await application.StartAsync(reports: false);
        await application.FailAsync(40);
        application.Work.Handle = (context, _) => context.Message.Number % 10 == 0 ? throw new WorkException("still broken") : Task.CompletedTask;

        var result = await application.ReplayAsync(waitSeconds: 8);

        application.Work.Handled.Count.ShouldBe(36);
        result.Headline.ShouldBe("40 of 40 replayed: 4 failed again, 36 left the queue: this application does not report");
        result.Replayed.ShouldAllBe(message => message.Reported == null);
    }

    [Fact]
    public async Task Without_the_package_no_outcome_is_claimed_on_a_queue_that_is_never_empty()
    {
        await using var application = await RealApplication.CreateAsync();
        await application.StartAsync(Limited, reports: false);
        await application.FailAsync(20);
        application.Work.Handle = (context, _) => Task.Delay(BusyQueue.Is(context.Message.Number) ? 1000 : 5);
        await using var busy = await StartBusyAsync(application);

        var result = await application.ReplayAsync(waitSeconds: 3);

        await Eventually.SeeAsync(() => Task.FromResult(application.Work.Handled.Count(number => number < 20)), handled => handled == 20, "the replayed messages were handled");
        busy.Lowest.ShouldBeGreaterThan(0);
        result.Headline.ShouldBe("20 of 20 replayed: 20 may still be in the queue");
    }

    /// <summary>MassTransit's own redelivery needs the plugin rabbitmq_delayed_message_exchange: see <see cref="RedeliveryReportTests"/>.</summary>
    [Theory]
    [Trait("needs", "delayed-exchange")]
    [InlineData("delayed")]
    [InlineData("delayed, new message id")]
    [InlineData("scheduled")]
    public async Task Outcomes_after_redelivery_by_the_delayed_exchange_are_what_the_application_did(string how)
    {
        await using var application = await RealApplication.CreateAsync();
        await application.StartAsync(
            bus => bus.AddConsumer<WorkConsumer>(),
            (context, rabbit) =>
            {
                rabbit.UseDelayedMessageScheduler();
                rabbit.ReceiveEndpoint("work", endpoint =>
                {
                    if (how == "scheduled")
                        endpoint.UseScheduledRedelivery(redelivery => redelivery.Interval(1, TimeSpan.FromSeconds(2)));
                    else
                        endpoint.UseDelayedRedelivery(redelivery =>
                        {
                            redelivery.ReplaceMessageId = how == "delayed, new message id";
                            redelivery.Interval(1, TimeSpan.FromSeconds(2));
                        });
                    endpoint.ConfigureConsumer<WorkConsumer>(context);
                });
            });
        await SeeOutcomesAfterRedeliveryAsync(application);
    }

    [Fact]
    public async Task Outcomes_after_redelivery_by_an_own_delay_queue_are_what_the_application_did()
    {
        await using var application = await RealApplication.CreateAsync();
        await OwnDelayQueue.DeclareAsync(application.VirtualHost);
        await application.StartAsync(endpoint =>
        {
            endpoint.AddPipeSpecification(new OwnDelayQueue());
            endpoint.UseDelayedRedelivery(redelivery => redelivery.Interval(1, TimeSpan.FromSeconds(1)));
        });
        await SeeOutcomesAfterRedeliveryAsync(application);
    }

    /// <summary>A scheduler outside of RabbitMQ keeps the message, but not its AMQP headers. So the message comes back without the stamp, and more than delayed can't be known.</summary>
    [Fact]
    public async Task Redelivery_by_a_scheduler_outside_of_RabbitMQ_is_delayed_and_stays_so_although_the_scheduler_handles_its_own_message()
    {
        await using var application = await RealApplication.CreateAsync();
        await application.StartAsync(
            bus =>
            {
                bus.AddConsumer<WorkConsumer>();
                bus.AddConsumer<Scheduler>();
            },
            (context, rabbit) =>
            {
                rabbit.UseMessageScheduler(new Uri("exchange:scheduler"));
                rabbit.ReceiveEndpoint("scheduler", endpoint => endpoint.ConfigureConsumer<Scheduler>(context));
                rabbit.ReceiveEndpoint("work", endpoint =>
                {
                    endpoint.UseScheduledRedelivery(redelivery => redelivery.Interval(1, TimeSpan.FromSeconds(1)));
                    endpoint.ConfigureConsumer<WorkConsumer>(context);
                });
            });
        var count = _isLong ? 1000 : 20;
        await application.FailAsync(count);
        application.Work.Handle = (context, tries) => BusyQueue.Is(context.Message.Number) || context.Message.Number % 2 == 0 || tries > 1 ? Task.CompletedTask : throw new WorkException("still broken");

        await using var busy = await application.KeepBusyAsync();

        var result = await application.ReplayAsync(waitSeconds: 120, followsLater: true);

        await Eventually.SeeAsync(() => application.Work.Handled.Where(number => !BusyQueue.Is(number)).Distinct().Count() == count, "all came back and were handled", TimeSpan.FromSeconds(120));
        var later = await RealApplication.SeeLaterAsync(result, message => message.Outcome is Outcome.Handled or Outcome.Delayed);
        busy.Lowest.ShouldBeGreaterThan(0);
        OutcomeCounts.Count(later).ToString().ShouldBe(string.Create(CultureInfo.InvariantCulture, $"{count / 2:N0} handled, {count / 2:N0} delayed"));
        later.Where(message => message.Outcome == Outcome.Handled).ShouldAllBe(message => application.Done.ContainsKey(message.MessageId!));
    }

    [Fact]
    public async Task Messages_whose_consumer_was_removed_are_skipped()
    {
        await using var application = await RealApplication.CreateAsync();
        await application.StartAsync();
        var count = _isLong ? 1000 : 20;
        await application.FailAsync(count);
        await application.StartAsync(bus => bus.AddConsumer<DoneConsumer>(), (context, rabbit) => rabbit.ReceiveEndpoint("work", endpoint => endpoint.ConfigureConsumer<DoneConsumer>(context)));
        await using var busy = await application.KeepBusyAsync(number => application.SendAsync([new WorkDone(number)]));

        var result = await application.ReplayAsync(waitSeconds: 120);

        busy.Lowest.ShouldBeGreaterThan(0);
        await application.ShouldAgreeAsync(result.Replayed, string.Create(CultureInfo.InvariantCulture, $"{count:N0} skipped"));
    }

    private static async Task SeeOutcomesAfterRedeliveryAsync(RealApplication application)
    {
        var third = _isLong ? 333 : 10;
        await application.FailAsync(3 * third);
        await application.UseNumbersAsync();
        // A third succeeds at once, a third after its redelivery, and a third never.
        application.Work.Handle = (context, tries) => BusyQueue.Is(context.Message.Number) || context.Message.Number % 3 == 0 || (context.Message.Number % 3 == 1 && tries > 1) ? Task.CompletedTask : throw new WorkException("still broken");

        await using var busy = await application.KeepBusyAsync();

        var result = await application.ReplayAsync(waitSeconds: 120, followsLater: true);

        var later = await RealApplication.SeeLaterAsync(result, message => message.Outcome is Outcome.Handled or Outcome.FailedAgain);
        busy.Lowest.ShouldBeGreaterThan(0);
        await application.ShouldAgreeAsync(later, $"{third} failed again, {2 * third} handled");
    }

    private static void Limited(IRabbitMqReceiveEndpointConfigurator endpoint)
    {
        endpoint.PrefetchCount = 32;
        endpoint.UseMessageRetry(retry => retry.Immediate(1));
    }

    private static Task<BusyQueue> StartBusyAsync(RealApplication application) =>
        BusyQueue.StartAsync(application.VirtualHost, application.Queue, backlog: 200, number => application.SendAsync([new DoWork(number)]));

    /// <summary>Sends a scheduled message when it is due, as a scheduler with a database does.</summary>
    [SuppressMessage("Performance", "CA1812", Justification = "MassTransit creates it")]
    internal sealed class Scheduler(RealApplication application) : IConsumer<ScheduleMessage>
    {
        public async Task Consume(ConsumeContext<ScheduleMessage> context)
        {
            using var json = JsonDocument.Parse(context.ReceiveContext.Body.GetBytes());
            var scheduled = json.RootElement.GetProperty("message");
            await Task.Delay(context.Message.ScheduledTime - DateTime.UtcNow is { Ticks: > 0 } wait ? wait : TimeSpan.Zero);
            var envelope = $$$"""
                {"messageId":"{{{context.MessageId}}}","messageType":{{{scheduled.GetProperty("payloadType").GetRawText()}}},"message":{{{scheduled.GetProperty("payload").GetRawText()}}},"headers":{"MT-Redelivery-Count":1}}
                """;
            await using var channel = await application.VirtualHost.OpenChannelAsync();
            var properties = new BasicProperties { ContentType = "application/vnd.masstransit+json", MessageId = context.MessageId.ToString() };
            await channel.BasicPublishAsync(context.Message.Destination.Segments[^1], "", mandatory: true, properties, Encoding.UTF8.GetBytes(envelope));
        }
    }
}
