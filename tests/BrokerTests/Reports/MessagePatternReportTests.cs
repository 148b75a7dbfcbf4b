using System.Text;
using MassTransit;
using MassTransit.Courier.Contracts;
using MassTransit.Serialization;
using Microsoft.Extensions.DependencyInjection;
using WorkinIt.Testbed;

namespace WorkinIt.BrokerTests.Reports;

/// <summary>Reports of replayed messages in batches, sagas, routing slips, requests, and other bodies than MassTransit's JSON.</summary>
public sealed class MessagePatternReportTests
{
    [Fact]
    public async Task Each_message_of_a_batch_has_its_own_reports_and_one_poison_fails_all_five()
    {
        await using var application = await ReportingApplication.StartAsync(
            bus => bus.AddConsumer<BatchConsumer>(),
            (context, rabbit) =>
            {
                rabbit.UseReplayReports();
                rabbit.ReceiveEndpoint("work", endpoint =>
                {
                    endpoint.PrefetchCount = 10;
                    endpoint.ConfigureConsumer<BatchConsumer>(context, consumer => consumer.Options<BatchOptions>(batch => batch.SetMessageLimit(5).SetTimeLimit(TimeSpan.FromSeconds(20))));
                });
            });
        for (var number = 1; number <= 5; number++)
            await application.ReplayAsync(new DoWork(number), $"good.{number}");
        for (var number = 1; number <= 5; number++)
            (await application.KindsOfAsync($"good.{number}", 2)).ShouldBe("taken handled");
        for (var number = 1; number <= 5; number++)
            await application.ReplayAsync(new DoWork(number == 3 ? -3 : number), $"bad.{number}");

        for (var number = 1; number <= 5; number++)
        {
            var reports = await application.ReportsOfAsync($"bad.{number}", 2);
            reports.Select(report => report.Kind).ShouldBe(["taken", "failed"]);
            reports[1].Reason.ShouldBe("poison");
        }
        (await application.VirtualHost.ReadyAsync("work_error")).ShouldBe(5);
    }

    [Fact]
    public async Task Saga_message_without_an_instance_or_that_the_state_does_not_accept_is_reported_as_MassTransit_ends_it()
    {
        await using var application = await ReportingApplication.StartAsync(
            bus => bus.AddSagaStateMachine<OrderMachine, OrderState>().InMemoryRepository(),
            (context, rabbit) =>
            {
                rabbit.UseReplayReports();
                rabbit.ReceiveEndpoint("orders", endpoint => endpoint.ConfigureSaga<OrderState>(context));
            });
        var order = NewId.NextGuid();
        await application.ReplayAsync(new OrderPlaced(order), "saga.1", "orders");
        (await application.KindsOfAsync("saga.1", 2)).ShouldBe("taken handled");
        await application.ReplayAsync(new OrderPaid(order), "saga.2", "orders");
        var paid = await application.ReportsOfAsync("saga.2", 2);
        paid.Select(report => report.Kind).ShouldBe(["taken", "handled"]);
        paid[1].Consumer.ShouldBe("WorkinIt.BrokerTests.Reports.OrderState");
        await application.ReplayAsync(new OrderPaid(NewId.NextGuid()), "saga.3", "orders");
        await application.ReplayAsync(new OrderPlaced(order), "saga.4", "orders");
        await application.ReplayAsync(new OrderCancelled(NewId.NextGuid()), "saga.5", "orders");

        (await application.KindsOfAsync("saga.3", 2)).ShouldBe("taken handled"); // without an instance, MassTransit's default is to consume the message without an error
        (await application.KindsOfAsync("saga.4", 2)).ShouldBe("taken failed"); // an event that the state does not accept
        (await application.KindsOfAsync("saga.5", 2)).ShouldBe("taken failed"); // OnMissingInstance(Fault)
    }

    [Fact]
    public async Task Routing_slip_carries_the_stamp_to_its_next_activity_and_is_handled_only_after_the_last_one()
    {
        await using var application = await StartCourierAsync(withSecond: true);
        await application.ReplayAsync(Slip("first", "second"), "slip.1", "first");

        var reports = await application.ReportsOfAsync("slip.1", 3, 1000);
        reports.Select(report => (report.Kind, report.Queue)).ShouldBe([("taken", "first"), ("taken", "second"), ("handled", "second")]);
    }

    [Fact]
    public async Task Routing_slip_that_waits_for_its_second_activity_has_no_outcome()
    {
        await using var application = await StartCourierAsync(withSecond: false);
        await using var channel = await application.VirtualHost.OpenChannelAsync();
        await channel.ExchangeDeclareAsync("second", RabbitMQ.Client.ExchangeType.Fanout, durable: true, autoDelete: false);
        await channel.QueueDeclareAsync("second", durable: true, exclusive: false, autoDelete: false);
        await channel.QueueBindAsync("second", "second", "", arguments: null);
        await application.ReplayAsync(Slip("first", "second"), "slip.1", "first");

        (await application.KindsOfAsync("slip.1", 1, 2000)).ShouldBe("taken");
        var waiting = (await application.VirtualHost.TakeAllAsync("second")).ShouldHaveSingleItem();
        Header(waiting.BasicProperties, "Replay-Id").ShouldBe("slip.1");
        waiting.BasicProperties.Headers!["Replay-Count"].ShouldBe(2);
    }

    [Theory]
    [InlineData("throws")]
    [InlineData("faults")]
    public async Task Routing_slip_whose_second_activity_fails_is_failed_and_its_compensation_is_not_reported_as_handled(string how)
    {
        await using var application = await StartCourierAsync(withSecond: true);
        await application.ReplayAsync(Slip("first", how), "slip.1", "first");

        await Eventually.SeeAsync(() => application.Work.Stamps.Contains("compensated"), "compensated");
        var reports = await application.ReportsOfAsync("slip.1", 3, 1500);
        reports.Select(report => (report.Kind, report.Queue)).ShouldBe([("taken", "first"), ("taken", how), ("failed", how)]);
        reports[2].Reason.ShouldBe("second fails");
        reports[2].ExceptionType.ShouldBe("WorkinIt.BrokerTests.Reports.WorkException");
    }

    [Fact]
    public async Task Request_is_handled_although_its_requester_is_gone()
    {
        await using var application = await ReportingApplication.StartAsync();
        application.Work.Handle = (context, _) => context.RespondAsync(new WorkDone(context.Message.Number));
        await application.ReplayAsync(new DoWork(1), "request.1", change: send =>
        {
            send.RequestId = NewId.NextGuid();
            send.ResponseAddress = new Uri(application.Bus.Address, "gone_bus_endpoint?temporary=true");
        });

        (await application.KindsOfAsync("request.1", 2, 3000)).ShouldBe("taken handled");
    }

    [Fact]
    public async Task Raw_json_message_is_reported_and_the_events_of_its_consumer_do_not_carry_the_stamp()
    {
        await using var application = await ReportingApplication.StartAsync(
            bus =>
            {
                bus.AddConsumer<WorkConsumer>();
                bus.AddConsumer<DoneConsumer>();
            },
            (context, rabbit) =>
            {
                rabbit.UseReplayReports();
                rabbit.ReceiveEndpoint("work", endpoint =>
                {
                    endpoint.ClearSerialization();
                    endpoint.UseRawJsonSerializer(RawSerializerOptions.All);
                    endpoint.ConfigureConsumer<WorkConsumer>(context);
                });
                rabbit.ReceiveEndpoint("done", endpoint =>
                {
                    endpoint.ClearSerialization();
                    endpoint.UseRawJsonSerializer(RawSerializerOptions.All, isDefault: true);
                    endpoint.ConfigureConsumer<DoneConsumer>(context);
                });
            });
        application.Work.Handle = async (context, _) =>
        {
            await context.Publish(new WorkDone(1));
            await context.Send(new Uri("exchange:done"), new WorkDone(2));
        };
        await using var channel = await application.VirtualHost.OpenChannelAsync(confirms: true);
        var properties = new RabbitMQ.Client.BasicProperties { ContentType = "application/json", MessageId = Guid.CreateVersion7().ToString(), Headers = new Dictionary<string, object?> { ["Replay-Id"] = "raw.1", ["Replay-By"] = "jane" } };
        await channel.BasicPublishAsync("", "work", mandatory: true, properties, Encoding.UTF8.GetBytes("""{ "number": 1 }"""));

        (await application.KindsOfAsync("raw.1", 2, 1000)).ShouldBe("taken handled");
        await Eventually.SeeAsync(() => application.Work.Stamps.Count(stamp => stamp.StartsWith("done", StringComparison.Ordinal)) == 2, "two events consumed");
        application.Work.Stamps.ShouldBe(["Replay-By=jane Replay-Id=raw.1", "done 1 ", "done 2 "], ignoreOrder: true);
    }

    [Theory]
    [InlineData(true, "taken handled")]
    [InlineData(false, "taken failed")]
    public async Task Encrypted_message_is_reported_whether_it_can_be_read_or_not(bool hasKey, string kinds)
    {
        var key = Enumerable.Range(0, 32).Select(i => (byte)i).ToArray();
        await using var application = await ReportingApplication.StartAsync(
            bus => bus.AddConsumer<WorkConsumer>(),
            (context, rabbit) =>
            {
                rabbit.UseReplayReports();
                rabbit.AddSerializer(new EncryptedBodies(key));
                rabbit.ReceiveEndpoint("work", endpoint =>
                {
                    endpoint.ClearSerialization();
                    endpoint.AddSerializer(new EncryptedBodies(key));
                    endpoint.AddDeserializer(new EncryptedBodies(hasKey ? key : [.. Enumerable.Reverse(key)]), isDefault: true);
                    endpoint.ConfigureConsumer<WorkConsumer>(context);
                });
            });
        await application.ReplayAsync(new DoWork(1), "secret.1");

        (await application.KindsOfAsync("secret.1", 2)).ShouldBe(kinds);
    }

    private static string? Header(RabbitMQ.Client.IReadOnlyBasicProperties properties, string name) =>
        properties.Headers?.TryGetValue(name, out var value) == true ? value is byte[] bytes ? Encoding.UTF8.GetString(bytes) : value?.ToString() : null;

    private static Task<ReportingApplication> StartCourierAsync(bool withSecond) => ReportingApplication.StartAsync(
        bus => bus.AddActivity<FirstActivity, Arguments, Log>(),
        (context, rabbit) =>
        {
            rabbit.UseReplayReports();
            rabbit.ReceiveEndpoint("undo", undo =>
            {
                undo.CompensateActivityHost<FirstActivity, Log>(() => new FirstActivity(context.GetRequiredService<Work>()));
                rabbit.ReceiveEndpoint("first", endpoint => endpoint.ExecuteActivityHost<FirstActivity, Arguments>(undo.InputAddress, () => new FirstActivity(context.GetRequiredService<Work>())));
            });
            foreach (var how in withSecond ? new[] { "second", "throws", "faults" } : [])
                rabbit.ReceiveEndpoint(how, endpoint => endpoint.ExecuteActivityHost<SecondActivity, Arguments>(() => new SecondActivity(how)));
        });

    private static RoutingSlip Slip(params string[] activities)
    {
        var builder = new RoutingSlipBuilder(NewId.NextGuid());
        foreach (var activity in activities)
            builder.AddActivity(activity, new Uri($"exchange:{activity}"), new { Number = 1 });
        return builder.Build();
    }
}

public sealed class BatchConsumer : IConsumer<Batch<DoWork>>
{
    public Task Consume(ConsumeContext<Batch<DoWork>> context) =>
        context.Message.Any(message => message.Message.Number < 0) ? throw new WorkException("poison") : Task.CompletedTask;
}

public sealed class DoneConsumer(Work work) : IConsumer<WorkDone>
{
    public Task Consume(ConsumeContext<WorkDone> context)
    {
        work.Stamps.Enqueue($"done {context.Message.Number} {string.Join(' ', context.ReceiveContext.TransportHeaders.GetAll().Select(header => header.Key).Where(name => name.StartsWith("Replay-", StringComparison.Ordinal)))}");
        return Task.CompletedTask;
    }
}

public sealed record OrderPlaced(Guid OrderId);

public sealed record OrderPaid(Guid OrderId);

public sealed record OrderCancelled(Guid OrderId);

public sealed class OrderState : SagaStateMachineInstance
{
    public Guid CorrelationId { get; set; }

    public string CurrentState { get; set; } = "";
}

public sealed class OrderMachine : MassTransitStateMachine<OrderState>
{
    public OrderMachine()
    {
        InstanceState(order => order.CurrentState);
        Event(() => Placed, placed => placed.CorrelateById(context => context.Message.OrderId));
        Event(() => Paid, paid => paid.CorrelateById(context => context.Message.OrderId));
        Event(() => Cancelled, cancelled =>
        {
            cancelled.CorrelateById(context => context.Message.OrderId);
            cancelled.OnMissingInstance(missing => missing.Fault());
        });
        Initially(When(Placed).TransitionTo(Open));
        During(Open, When(Paid).TransitionTo(Done), When(Cancelled).TransitionTo(Done));
    }

    public State Open { get; private set; } = null!;

    public State Done { get; private set; } = null!;

    public Event<OrderPlaced> Placed { get; private set; } = null!;

    public Event<OrderPaid> Paid { get; private set; } = null!;

    public Event<OrderCancelled> Cancelled { get; private set; } = null!;
}

public sealed record Arguments
{
    public int Number { get; init; }
}

public sealed record Log
{
    public int Number { get; init; }
}

public sealed class FirstActivity(Work work) : IActivity<Arguments, Log>
{
    public Task<ExecutionResult> Execute(ExecuteContext<Arguments> context) => Task.FromResult(context.Completed<Log>(new { context.Arguments.Number }));

    public Task<CompensationResult> Compensate(CompensateContext<Log> context)
    {
        work.Stamps.Enqueue("compensated");
        return Task.FromResult(context.Compensated());
    }
}

public sealed class SecondActivity(string how) : IExecuteActivity<Arguments>
{
    public Task<ExecutionResult> Execute(ExecuteContext<Arguments> context) => how switch
    {
        "throws" => throw new WorkException("second fails"),
        "faults" => Task.FromResult(context.Faulted(new WorkException("second fails"))),
        _ => Task.FromResult(context.Completed()),
    };
}
