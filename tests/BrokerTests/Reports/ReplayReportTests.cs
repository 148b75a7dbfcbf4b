using MassTransit;
using WorkinIt.Testbed;

namespace WorkinIt.BrokerTests.Reports;

/// <summary>What an application with UseReplayReports reports about the messages that are replayed to it.</summary>
public sealed class ReplayReportTests
{
    [Fact]
    public async Task Replayed_message_is_reported_as_taken_and_then_as_handled_with_consumer_host_application_and_time()
    {
        await using var application = await ReportingApplication.StartAsync();
        application.Work.Handle = (_, _) => Task.Delay(200);
        await application.ReplayAsync(new DoWork(1), "op1.1");

        var reports = await application.ReportsOfAsync("op1.1", 2);

        reports.Select(report => report.Kind).ShouldBe(["taken", "handled"]);
        foreach (var report in reports)
        {
            (report.Queue, report.Consumer).ShouldBe(("work", "WorkinIt.BrokerTests.Reports.WorkConsumer"));
            report.Json.GetProperty("host").GetString().ShouldBe(Environment.MachineName);
            report.Json.GetProperty("application").GetString().ShouldBe("WorkinIt.BrokerTests");
            report.Json.GetProperty("version").GetString()!.ShouldNotContain("+");
            report.Json.GetProperty("at").GetDateTimeOffset().ShouldBeInRange(DateTimeOffset.UtcNow.AddMinutes(-1), DateTimeOffset.UtcNow);
            (report.Properties.Type, report.Properties.ContentType, report.Properties.Persistent).ShouldBe(("dead-letters.report.1", "application/json", true));
        }
        reports[1].Json.GetProperty("milliseconds").GetDouble().ShouldBeInRange(190, 60_000);
        reports[0].Json.TryGetProperty("milliseconds", out _).ShouldBeFalse();
    }

    [Fact]
    public async Task Message_that_was_not_replayed_is_not_reported()
    {
        await using var application = await ReportingApplication.StartAsync();
        await application.Bus.Publish(new DoWork(1));
        await Eventually.SeeAsync(() => application.Work.Handled.Contains(1), "handled");
        await application.ReplayAsync(new DoWork(2), "op1.2");

        (await application.KindsOfAsync("op1.2", 2)).ShouldBe("taken handled");
        application.Reports.Count.ShouldBe(2);
    }

    [Fact]
    public async Task Reports_come_once_however_often_and_in_whatever_order_they_are_configured()
    {
        await using var application = await ReportingApplication.StartAsync(
            bus => bus.AddConsumer<WorkConsumer>().Endpoint(endpoint => endpoint.Name = "by-convention"),
            (context, rabbit) =>
            {
                rabbit.ReceiveEndpoint("first", endpoint =>
                {
                    endpoint.UseReplayReports();
                    endpoint.Consumer<WorkConsumer>(context);
                    endpoint.UseReplayReports();
                });
                rabbit.ConfigureEndpoints(context);
                rabbit.UseReplayReports();
                rabbit.UseReplayReports();
                rabbit.ReceiveEndpoint("last", endpoint => endpoint.Consumer<WorkConsumer>(context));
            });
        foreach (var queue in new[] { "first", "by-convention", "last" })
            await application.ReplayAsync(new DoWork(1), queue, queue);

        foreach (var queue in new[] { "first", "by-convention", "last" })
            (await application.KindsOfAsync(queue, 2)).ShouldBe("taken handled", queue);
    }

    [Fact]
    public async Task Reports_of_one_endpoint_only()
    {
        await using var application = await ReportingApplication.StartAsync(
            bus => bus.AddConsumer<WorkConsumer>(),
            (context, rabbit) =>
            {
                rabbit.ReceiveEndpoint("reported", endpoint =>
                {
                    endpoint.Consumer<WorkConsumer>(context);
                    endpoint.UseReplayReports();
                });
                rabbit.ReceiveEndpoint("silent", endpoint => endpoint.Consumer<WorkConsumer>(context));
            });
        await application.ReplayAsync(new DoWork(1), "silent", "silent");
        await application.ReplayAsync(new DoWork(2), "reported", "reported");

        (await application.KindsOfAsync("reported", 2)).ShouldBe("taken handled");
        application.Work.Handled.ShouldContain(1);
        application.Reports.Count.ShouldBe(2);
    }

    [Fact]
    public async Task Retries_in_place_are_one_delivery_and_only_their_end_is_reported()
    {
        await using var application = await ReportingApplication.StartAsync(endpoint => endpoint.UseMessageRetry(retry => retry.Immediate(2)));
        application.Work.Handle = (context, tries) => tries < 3 || context.Message.Number == 2 ? throw new WorkException($"try {tries}") : Task.CompletedTask;
        await application.ReplayAsync(new DoWork(1), "op1.1");
        await application.ReplayAsync(new DoWork(2), "op1.2");

        (await application.KindsOfAsync("op1.1", 2)).ShouldBe("taken handled");
        var failed = await application.ReportsOfAsync("op1.2", 2);
        failed.Select(report => report.Kind).ShouldBe(["taken", "failed"]);
        failed[1].Reason.ShouldBe("try 3");
    }

    [Fact]
    public async Task Failed_message_is_reported_with_the_texts_of_its_dead_letter_once_it_is_in_the_error_queue()
    {
        await using var application = await ReportingApplication.StartAsync();
        application.Work.Handle = (_, _) => throw new WorkException(new string('x', 500));
        var id = await application.ReplayAsync(new DoWork(1), "op1.1");

        var reports = await application.ReportsOfAsync("op1.1", 2);

        reports.Select(report => report.Kind).ShouldBe(["taken", "failed"]);
        (reports[1].ExceptionType, reports[1].Reason, reports[1].Consumer).ShouldBe(("WorkinIt.BrokerTests.Reports.WorkException", new string('x', 299) + "…", "WorkinIt.BrokerTests.Reports.WorkConsumer"));
        (await application.VirtualHost.TakeAllAsync("work_error")).ShouldHaveSingleItem().BasicProperties.MessageId.ShouldBe(id.ToString());
    }

    [Fact]
    public async Task Message_that_could_not_be_moved_to_the_error_queue_is_not_reported_as_failed()
    {
        await using var application = await ReportingApplication.StartAsync(endpoint => endpoint.RethrowFaultedMessages());
        application.Work.Handle = (_, tries) => tries < 3 ? throw new WorkException($"try {tries}") : Task.CompletedTask;
        await application.ReplayAsync(new DoWork(1), "op1.1");

        // The message returns to its queue twice.
        (await application.KindsOfAsync("op1.1", 4)).ShouldBe("taken taken taken handled");
    }

    [Fact]
    public async Task Failed_message_that_the_application_discards_has_no_outcome()
    {
        await using var application = await ReportingApplication.StartAsync(endpoint => endpoint.DiscardFaultedMessages());
        application.Work.Handle = (_, _) => throw new WorkException("no");
        await application.ReplayAsync(new DoWork(1), "op1.1");

        (await application.KindsOfAsync("op1.1", 1, further: 2000)).ShouldBe("taken");
    }

    [Fact]
    public async Task Message_of_a_type_without_a_consumer_is_reported_as_skipped()
    {
        await using var application = await ReportingApplication.StartAsync();
        await application.ReplayAsync(new UnknownWork(1), "op1.1");

        (await application.KindsOfAsync("op1.1", 2)).ShouldBe("taken skipped");
        (await application.VirtualHost.ReadyAsync("work_skipped")).ShouldBe(1);
    }

    [Fact]
    public async Task Message_with_two_consumers_is_handled_only_if_both_succeed()
    {
        await using var application = await ReportingApplication.StartAsync(
            bus => bus.AddConsumers(typeof(WorkConsumer), typeof(SecondConsumer)),
            (context, rabbit) =>
            {
                rabbit.UseReplayReports();
                rabbit.ReceiveEndpoint("work", endpoint =>
                {
                    endpoint.Consumer<WorkConsumer>(context);
                    endpoint.Consumer<SecondConsumer>(context);
                });
            });
        await application.ReplayAsync(new DoWork(1), "op1.1");
        await application.ReplayAsync(new DoWork(-2), "op1.2");

        var handled = await application.ReportsOfAsync("op1.1", 2);
        handled.Select(report => (report.Kind, report.Consumer)).ShouldBe([("taken", null), ("handled", null)]);
        (await application.KindsOfAsync("op1.2", 2)).ShouldBe("taken failed");
    }

    [Fact]
    public async Task Message_with_one_failed_consumer_that_the_application_discards_has_no_outcome()
    {
        await using var application = await ReportingApplication.StartAsync(
            bus => bus.AddConsumers(typeof(WorkConsumer), typeof(SecondConsumer)),
            (context, rabbit) =>
            {
                rabbit.UseReplayReports();
                rabbit.ReceiveEndpoint("work", endpoint =>
                {
                    endpoint.DiscardFaultedMessages();
                    endpoint.Consumer<WorkConsumer>(context);
                    endpoint.Consumer<SecondConsumer>(context);
                });
            });
        await application.ReplayAsync(new DoWork(-1), "op1.1");

        (await application.KindsOfAsync("op1.1", 1, further: 2000)).ShouldBe("taken");
        application.Work.Handled.ShouldBe([-1]);
    }

    [Fact]
    public async Task Message_whose_outbox_fails_after_the_consumer_is_not_reported_as_handled()
    {
        await using var application = await ReportingApplication.StartAsync(
            bus => bus.AddConsumer<WorkConsumer>(),
            (context, rabbit) =>
            {
                rabbit.UseReplayReports();
                rabbit.ReceiveEndpoint("work", endpoint =>
                {
                    endpoint.UseInMemoryOutbox(context);
                    endpoint.ConfigureConsumer<WorkConsumer>(context);
                });
            });
        // Its exchange exists with another type: the send fails after the consumer has ended.
        await using (var channel = await application.VirtualHost.OpenChannelAsync())
            await channel.ExchangeDeclareAsync("taken", RabbitMQ.Client.ExchangeType.Direct, durable: true, autoDelete: false);
        application.Work.Handle = (context, _) => context.Send(new Uri("exchange:taken"), new WorkDone(1));
        await application.ReplayAsync(new DoWork(1), "op1.1");

        var kinds = await application.KindsOfAsync("op1.1", 1, further: 5000);
        application.Work.Handled.ShouldContain(1);
        kinds.ShouldNotContain("handled");
    }

    [Fact]
    public async Task Reports_of_the_last_messages_arrive_although_the_application_stops()
    {
        await using var application = await ReportingApplication.StartAsync();
        var entered = new TaskCompletionSource();
        application.Work.Handle = (_, _) =>
        {
            entered.TrySetResult();
            return Task.Delay(1000);
        };
        await application.ReplayAsync(new DoWork(1), "op1.1");
        await entered.Task;
        await application.Bus.StopAsync(TimeSpan.FromSeconds(20));

        // Whatever arrives later than that would be lost at the end of the process.
        (await application.KindsOfAsync("op1.1", 0, further: 100)).ShouldBe("taken handled");
    }
}
