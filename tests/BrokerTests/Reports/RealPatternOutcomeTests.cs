using System.Text;
using MassTransit;
using MassTransit.Courier.Contracts;
using Microsoft.Extensions.DependencyInjection;
using RabbitMQ.Client;
using WorkinIt.DeadLetters;
using WorkinIt.Testbed;

namespace WorkinIt.BrokerTests.Reports;

/// <summary>The outcomes of a replay, compared with the account of the application whose dead letters were replayed: batches, sagas, routing slips, requests, other bodies than MassTransit's JSON.</summary>
public sealed class RealPatternOutcomeTests
{
    private static readonly byte[] _key = [.. Enumerable.Range(0, 32).Select(i => (byte)i)];
    private static readonly byte[] _otherKey = [.. Enumerable.Range(100, 32).Select(i => (byte)i)];

    [Fact]
    public async Task Batch_with_one_poison_fails_again_as_a_whole_and_the_other_batches_are_handled()
    {
        await using var application = await RealApplication.CreateAsync();
        await application.StartAsync(
            bus => bus.AddConsumer<CountedBatchConsumer>(),
            (context, rabbit) => rabbit.ReceiveEndpoint("work", endpoint =>
            {
                endpoint.PrefetchCount = 20;
                endpoint.ConfigureConsumer<CountedBatchConsumer>(context, consumer => consumer.Options<BatchOptions>(batch => batch.SetMessageLimit(5).SetTimeLimit(TimeSpan.FromSeconds(3)).SetConcurrencyLimit(1)));
            }));
        await application.FailAsync(40);
        application.Work.Handle = (context, _) => context.Message.Number == 7 ? throw new WorkException("poison") : Task.CompletedTask;

        var result = await application.ReplayAsync();

        await application.ShouldAgreeAsync(result.Replayed, "5 failed again, 35 handled");
    }

    [Fact]
    public async Task Saga_messages_with_and_without_an_instance_have_the_outcome_that_the_saga_gives_them()
    {
        await using var application = await RealApplication.CreateAsync("orders");
        var isBroken = true;
        application.Work.OnSaga = messageId =>
        {
            if (isBroken)
                throw new WorkException("the bank did not answer");
            application.Note(messageId);
        };
        application.Work.OnPlaced = messageId => application.Note(messageId);
        await application.StartAsync(
            bus => bus.AddSagaStateMachine<PaymentMachine, OrderState>().InMemoryRepository(),
            (context, rabbit) => rabbit.ReceiveEndpoint("orders", endpoint =>
            {
                endpoint.ConcurrentMessageLimit = 1; // in their order
                endpoint.ConfigureSaga<OrderState>(context);
            }));
        var placed = Enumerable.Range(0, 30).Select(_ => NewId.NextGuid()).ToList();
        var unknown = Enumerable.Range(0, 10).Select(_ => NewId.NextGuid()).ToList();
        await application.SendAsync(placed.Select(order => new OrderPlaced(order)));
        var paid = await application.SendAsync(placed.Select(order => new OrderPaid(order)));
        await application.SendAsync(unknown.Select(order => new OrderCancelled(order))); // OnMissingInstance(Fault)
        await application.SeeDeadAsync(40);
        isBroken = false;
        await application.SendAsync(placed.Take(10).Select(order => new OrderCancelled(order))); // ends these sagas
        await application.SendAsync(unknown.Take(5).Select(order => new OrderPlaced(order)));
        await Eventually.SeeAsync(() => application.Done.Count == 15, "the sagas have taken them");
        foreach (var id in paid.Take(10)) // for a saga without an instance, MassTransit consumes the message without an error
            application.Note(id);

        var result = await application.ReplayAsync();

        await application.ShouldAgreeAsync(result.Replayed, "5 failed again, 35 handled");
        application.Done.Count.ShouldBe(15 + 35);
    }

    [Fact]
    public async Task Routing_slip_that_stopped_before_its_second_activity_is_taken_and_has_its_outcome_after_that_activity()
    {
        await using var application = await RealApplication.CreateAsync("first");
        var isBroken = true;
        await StartCourierAsync(application, withSecond: true, () => isBroken);
        var slips = Enumerable.Range(0, 30).Select(number => Slip(number % 3 == 0 ? ["first"] : ["first", number % 3 == 1 ? "second" : "throws"])).ToList();
        await application.SendAsync(slips, slip => slip.TrackingNumber);
        await application.SeeDeadAsync(30);
        isBroken = false;
        await StartCourierAsync(application, withSecond: false, () => false);

        var result = await application.ReplayAsync(waitSeconds: 3, followsLater: true);

        result.Headline.ShouldBe("30 of 30 replayed: 10 handled, 20 taken, no word yet");
        result.Replayed.Where(message => message.Outcome == Outcome.Handled).ShouldAllBe(message => application.Done.ContainsKey(message.MessageId!));
        await StartCourierAsync(application, withSecond: true, () => false);
        var later = await RealApplication.SeeLaterAsync(result, message => message.Outcome != Outcome.Taken);
        await application.ShouldAgreeAsync(later, "10 failed again, 20 handled");
    }

    [Fact]
    public async Task Faulted_requests_are_handled_although_their_requesters_are_gone()
    {
        await using var application = await RealApplication.CreateAsync();
        await application.StartAsync();
        await using (var other = await RequesterAsync(application))
        {
            var requests = Enumerable.Range(0, 20).Select(number => other.Client.GetResponse<WorkDone>(new DoWork(number))).ToList();
            foreach (var request in requests)
                await Should.ThrowAsync<RequestFaultException>(request);
        }
        await application.SeeDeadAsync(20);
        application.Work.Handle = (context, _) => context.RespondAsync(new WorkDone(context.Message.Number));

        var result = await application.ReplayAsync();

        await application.ShouldAgreeAsync(result.Replayed, "20 handled");
    }

    [Fact]
    public async Task Raw_json_messages_have_the_outcome_of_their_consumer()
    {
        await using var application = await RealApplication.CreateAsync();
        await application.StartAsync(endpoint =>
        {
            endpoint.ClearSerialization();
            endpoint.UseRawJsonSerializer(RawSerializerOptions.All);
        });
        await using var channel = await application.VirtualHost.OpenChannelAsync(confirms: true);
        for (var number = 0; number < 30; number++)
        {
            var properties = new BasicProperties { ContentType = "application/json", MessageId = Guid.CreateVersion7().ToString() };
            await channel.BasicPublishAsync("work", "", mandatory: true, properties, Encoding.UTF8.GetBytes($$"""{ "number": {{number}} }"""));
        }
        await application.SeeDeadAsync(30);
        application.Work.Handle = (context, _) => context.Message.Number % 5 == 0 ? throw new WorkException("still broken") : Task.CompletedTask;

        var result = await application.ReplayAsync();

        await application.ShouldAgreeAsync(result.Replayed, "6 failed again, 24 handled");
    }

    [Fact]
    public async Task Encrypted_messages_are_handled_once_the_application_has_their_key_and_fail_again_without_it()
    {
        await using var application = await RealApplication.CreateAsync();
        await StartEncryptedAsync(application, sends: _key, reads: _otherKey);
        await application.FailAsync(20);
        await StartEncryptedAsync(application, sends: [.. Enumerable.Reverse(_key)], reads: _otherKey);
        await application.SendAsync(Enumerable.Range(20, 5).Select(number => new DoWork(number)));
        await application.SeeDeadAsync(25);
        application.Work.Handle = (_, _) => Task.CompletedTask;
        await StartEncryptedAsync(application, sends: _key, reads: _key);

        var result = await application.ReplayAsync();

        await application.ShouldAgreeAsync(result.Replayed, "5 failed again, 20 handled");
    }

    private static Task StartEncryptedAsync(RealApplication application, byte[] sends, byte[] reads) => application.StartAsync(
        bus => bus.AddConsumer<WorkConsumer>(),
        (context, rabbit) =>
        {
            rabbit.AddSerializer(new EncryptedBodies(sends));
            rabbit.ReceiveEndpoint("work", endpoint =>
            {
                endpoint.ClearSerialization();
                endpoint.AddSerializer(new EncryptedBodies(sends));
                endpoint.AddDeserializer(new EncryptedBodies(reads), isDefault: true);
                endpoint.ConfigureConsumer<WorkConsumer>(context);
            });
        });

    private static async Task<Requester> RequesterAsync(RealApplication application)
    {
        var bus = Bus.Factory.CreateUsingRabbitMq(rabbit => rabbit.Host(new Uri(application.VirtualHost.ConnectionString("operator"))));
        await bus.StartAsync();
        return new Requester(bus, bus.CreateRequestClient<DoWork>(new Uri("exchange:work"), RequestTimeout.After(s: 30)));
    }

    private static Task StartCourierAsync(RealApplication application, bool withSecond, Func<bool> isBroken) => application.StartAsync(
        _ => { },
        (context, rabbit) =>
        {
            CountedActivity New(string how) => new(context.GetRequiredService<Work>(), how);
            rabbit.ReceiveEndpoint("undo", undo =>
            {
                undo.CompensateActivityHost<CountedActivity, Log>(() => New("first"));
                rabbit.ReceiveEndpoint("first", endpoint =>
                {
                    // An activity that fails makes no dead letter; a filter before it does.
                    endpoint.UseExecute(_ =>
                    {
                        if (isBroken())
                            throw new WorkException("the warehouse did not answer");
                    });
                    endpoint.ExecuteActivityHost<CountedActivity, Arguments>(undo.InputAddress, () => New("first"));
                });
            });
            foreach (var how in withSecond ? new[] { "second", "throws" } : [])
                rabbit.ReceiveEndpoint(how, endpoint => endpoint.ExecuteActivityHost<CountedActivity, Arguments>(() => New(how)));
            application.Work.OnActivity = (slip, how, isLast) =>
            {
                if (how == "throws")
                    application.Faulted[$"{slip}"] = 1;
                else if (isLast)
                    application.Note(slip);
            };
        });

    private static RoutingSlip Slip(params string[] activities)
    {
        var builder = new RoutingSlipBuilder(NewId.NextGuid());
        foreach (var activity in activities)
            builder.AddActivity(activity, new Uri($"exchange:{activity}"), new { Number = activity == activities[^1] ? 1 : 0 });
        return builder.Build();
    }

    /// <summary>Another application, which sends requests.</summary>
    private sealed record Requester(IBusControl Bus, IRequestClient<DoWork> Client) : IAsyncDisposable
    {
        public async ValueTask DisposeAsync() => await Bus.StopAsync();
    }
}

public sealed class CountedBatchConsumer(Work work) : IConsumer<Batch<DoWork>>
{
    public async Task Consume(ConsumeContext<Batch<DoWork>> context)
    {
        foreach (var message in context.Message)
            await work.Handle(message, 1);
        foreach (var message in context.Message)
            work.Succeeded?.Invoke(message);
    }
}

/// <summary>An activity; its argument is 1 if it is the last one of its routing slip.</summary>
public sealed class CountedActivity(Work work, string how) : IActivity<Arguments, Log>
{
    public Task<ExecutionResult> Execute(ExecuteContext<Arguments> context)
    {
        work.OnActivity?.Invoke(context.TrackingNumber, how, context.Arguments.Number == 1);
        return how switch
        {
            "throws" => throw new WorkException("second fails"),
            "first" => Task.FromResult(context.Completed<Log>(new { context.Arguments.Number })),
            _ => Task.FromResult(context.Completed()), // it has nothing to undo
        };
    }

    public Task<CompensationResult> Compensate(CompensateContext<Log> context) => Task.FromResult(context.Compensated());
}

/// <summary>A saga that ends when its order is cancelled.</summary>
public sealed class PaymentMachine : MassTransitStateMachine<OrderState>
{
    public PaymentMachine(Work work)
    {
        InstanceState(order => order.CurrentState);
        Event(() => Placed, placed => placed.CorrelateById(context => context.Message.OrderId));
        Event(() => Paid, paid =>
        {
            paid.CorrelateById(context => context.Message.OrderId);
            paid.OnMissingInstance(missing => missing.Discard());
        });
        Event(() => Cancelled, cancelled =>
        {
            cancelled.CorrelateById(context => context.Message.OrderId);
            cancelled.OnMissingInstance(missing => missing.Fault());
        });
        Initially(When(Placed).Then(context => work.OnPlaced(context.MessageId)).TransitionTo(Open));
        During(Open, When(Paid).Then(context => work.OnSaga(context.MessageId)), When(Cancelled).Then(context => work.OnSaga(context.MessageId)).Finalize());
        SetCompletedWhenFinalized();
    }

    public State Open { get; private set; } = null!;

    public Event<OrderPlaced> Placed { get; private set; } = null!;

    public Event<OrderPaid> Paid { get; private set; } = null!;

    public Event<OrderCancelled> Cancelled { get; private set; } = null!;
}
