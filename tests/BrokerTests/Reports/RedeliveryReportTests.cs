using MassTransit;
using RabbitMQ.Client;
using WorkinIt.Testbed;

namespace WorkinIt.BrokerTests.Reports;

/// <summary>Reports of replayed messages that wait for a later try: the stamp comes back with them.</summary>
public sealed class RedeliveryReportTests
{
    private const string Stamp = "Replay-At=2026-11-29T12:00:00Z Replay-By=jane Replay-Count=2 Replay-Id=op1.1";

    /// <summary>MassTransit's own redelivery needs the plugin rabbitmq_delayed_message_exchange, which RabbitMQ does not bring and which does not exist for 4.3. <c>./test</c> leaves it out; run it on a broker with the plugin.</summary>
    [Theory]
    [Trait("needs", "delayed-exchange")]
    [InlineData("delayed")]
    [InlineData("delayed, new message id")]
    [InlineData("scheduled")]
    [InlineData("outbox")]
    public async Task Redelivery_by_the_delayed_exchange_is_reported_with_its_time_and_keeps_the_stamp(string how)
    {
        await using var application = await ReportingApplication.StartAsync(
            bus => bus.AddConsumer<WorkConsumer>(),
            (context, rabbit) =>
            {
                rabbit.UseReplayReports();
                rabbit.UseDelayedMessageScheduler();
                rabbit.ReceiveEndpoint("work", endpoint =>
                {
                    if (how == "outbox")
                        endpoint.UseInMemoryOutbox(context);
                    if (how == "scheduled")
                        endpoint.UseScheduledRedelivery(redelivery => redelivery.Interval(1, TimeSpan.FromSeconds(3)));
                    else
                        endpoint.UseDelayedRedelivery(redelivery =>
                        {
                            redelivery.ReplaceMessageId = how == "delayed, new message id";
                            redelivery.Interval(1, TimeSpan.FromSeconds(3));
                        });
                    endpoint.UseMessageRetry(retry => retry.Immediate(1));
                    endpoint.ConfigureConsumer<WorkConsumer>(context);
                });
            });
        (await HasDelayedExchangeAsync(application)).ShouldBeTrue("the plugin is enabled");
        application.Work.Handle = (context, tries) => tries < 3 || context.Message.Number == 2 ? throw new WorkException($"try {tries}") : Task.CompletedTask;
        await application.ReplayAsync(new DoWork(1), "op1.1");
        await application.ReplayAsync(new DoWork(2), "op1.2");

        var reports = await application.ReportsOfAsync("op1.1", 4);
        reports.Select(report => report.Kind).ShouldBe(["taken", "delayed", "taken", "handled"]);
        (reports[1].Until!.Value - reports[0].Json.GetProperty("at").GetDateTimeOffset()).TotalSeconds.ShouldBeInRange(2.9, 10);
        application.Work.Stamps.Where(stamp => stamp.EndsWith("op1.1", StringComparison.Ordinal)).ShouldAllBe(stamp => stamp == Stamp);
        (await application.KindsOfAsync("op1.2", 4)).ShouldBe("taken delayed taken failed");
    }

    [Fact]
    public async Task Redelivery_by_an_own_delay_queue_is_reported_and_keeps_the_stamp()
    {
        await using var application = await ReportingApplication.StartAsync(endpoint =>
        {
            endpoint.AddPipeSpecification(new OwnDelayQueue());
            endpoint.UseDelayedRedelivery(redelivery => redelivery.Interval(1, TimeSpan.FromSeconds(1)));
        });
        await OwnDelayQueue.DeclareAsync(application.VirtualHost);
        application.Work.Handle = (context, tries) => tries < 2 || context.Message.Number == 2 ? throw new WorkException($"try {tries}") : Task.CompletedTask;
        await application.ReplayAsync(new DoWork(1), "op1.1");
        await application.ReplayAsync(new DoWork(2), "op1.2");

        (await application.KindsOfAsync("op1.1", 4)).ShouldBe("taken delayed taken handled");
        (await application.KindsOfAsync("op1.2", 4)).ShouldBe("taken delayed taken failed");
        application.Work.Stamps.Where(stamp => stamp.EndsWith("op1.1", StringComparison.Ordinal)).ShouldBe([Stamp, Stamp]);
    }

    [Fact]
    public async Task Delay_that_the_application_reports_itself_has_its_time()
    {
        await using var application = await ReportingApplication.StartAsync();
        var until = new DateTimeOffset(2026, 12, 24, 18, 0, 0, TimeSpan.Zero);
        application.Work.Handle = (context, _) =>
        {
            context.ReportReplayDelayed(until);
            return Task.CompletedTask;
        };
        await application.ReplayAsync(new DoWork(1), "op1.1");

        var reports = await application.ReportsOfAsync("op1.1", 2);
        reports.Select(report => (report.Kind, report.Until)).ShouldBe([("taken", null), ("delayed", until)]);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Message_that_is_forwarded_to_another_queue_has_its_outcome_there(bool byMassTransit)
    {
        await using var application = await ReportingApplication.StartAsync(
            bus => bus.AddConsumer<WorkConsumer>(),
            (context, rabbit) =>
            {
                rabbit.UseReplayReports();
                rabbit.ReceiveEndpoint("work", endpoint => endpoint.Handler<DoWork>(async message =>
                {
                    if (byMassTransit)
                        await message.Forward(new Uri("exchange:other"));
                    else
                        message.ReportReplayMoved();
                }));
                rabbit.ReceiveEndpoint("other", endpoint => endpoint.Consumer<WorkConsumer>(context));
            });
        await application.ReplayAsync(new DoWork(1), "op1.1");

        var reports = await application.ReportsOfAsync("op1.1", byMassTransit ? 3 : 1, further: 1000);
        string.Join(", ", reports.Select(report => $"{report.Kind} in {report.Queue}")).ShouldBe(byMassTransit ? "taken in work, taken in other, handled in other" : "taken in work");
        if (byMassTransit)
            application.Work.Stamps.ShouldBe([Stamp]);
    }

    [Fact]
    public async Task Message_that_a_consumer_sends_to_its_own_queue_is_another_message()
    {
        await using var application = await ReportingApplication.StartAsync();
        application.Work.Handle = (context, _) => context.Message.Number == 1 ? context.Send(new Uri("exchange:work"), new DoWork(2)) : Task.CompletedTask;
        await application.ReplayAsync(new DoWork(1), "op1.1");

        (await application.KindsOfAsync("op1.1", 2, further: 1000)).ShouldBe("taken handled");
        await Eventually.SeeAsync(() => application.Work.Handled.Contains(2), "the second message");
        application.Work.Stamps.ShouldBe([Stamp, ""], ignoreOrder: true);
    }

    private static async Task<bool> HasDelayedExchangeAsync(ReportingApplication application)
    {
        var overview = await application.VirtualHost.ManagementAsync("overview");
        return overview.GetProperty("exchange_types").EnumerateArray().Any(type => type.GetProperty("name").GetString() == "x-delayed-message");
    }
}
