using System.Globalization;
using System.Text;
using MassTransit;
using MassTransit.Courier.Contracts;
using Microsoft.Extensions.DependencyInjection;
using RabbitMQ.Client;
using WorkinIt.BrokerTests.DeadLetters;
using WorkinIt.DeadLetters;
using WorkinIt.Testbed;

namespace WorkinIt.BrokerTests.Reports;

/// <summary>The outcomes of a replay into a queue that is never empty, compared with the account of the application whose dead letters were replayed: batches, sagas, routing slips, requests, other bodies than MassTransit's JSON.</summary>
public sealed class RealPatternOutcomeTests
{
    private static readonly int _many = Environment.GetEnvironmentVariable("WORKINIT_TEST_LONG") == "1" ? 1000 : 40;
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
        await application.FailAsync(_many);
        application.Work.Handle = (context, _) => context.Message.Number == 7 ? throw new WorkException("poison") : Task.CompletedTask;
        await using var busy = await application.KeepBusyAsync();

        var result = await ReplayAsync(application, busy);

        await application.ShouldAgreeAsync(result.Replayed, counts: null); // the batch of the poison may have messages of the usual traffic
        result.Outcomes.FailedAgain.ShouldBeLessThanOrEqualTo(5);
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
        var (few, most) = (_many / 4, _many - _many / 4);
        var placed = Enumerable.Range(0, most).Select(_ => NewId.NextGuid()).ToList();
        var unknown = Enumerable.Range(0, few).Select(_ => NewId.NextGuid()).ToList();
        await application.SendAsync(placed.Select(order => new OrderPlaced(order)));
        var paid = await application.SendAsync(placed.Select(order => new OrderPaid(order)));
        await application.SendAsync(unknown.Select(order => new OrderCancelled(order))); // OnMissingInstance(Fault)
        await application.SeeDeadAsync(_many);
        isBroken = false;
        await application.SendAsync(placed.Take(few).Select(order => new OrderCancelled(order))); // ends these sagas
        await application.SendAsync(unknown.Take(few / 2).Select(order => new OrderPlaced(order)));
        await Eventually.SeeAsync(() => application.Done.Count == few + few / 2, "the sagas have taken them");
        foreach (var id in paid.Take(few)) // for a saga without an instance, MassTransit consumes the message without an error
            application.Note(id);

        await using var busy = await application.KeepBusyAsync(_ => application.SendAsync([new OrderPlaced(NewId.NextGuid())]), concurrency: 1);

        var result = await ReplayAsync(application, busy);

        await application.ShouldAgreeAsync(result.Replayed, Counts(few - few / 2, _many - few + few / 2));
    }

    [Fact]
    public async Task Routing_slip_that_stopped_before_its_second_activity_is_taken_and_has_its_outcome_after_that_activity()
    {
        await using var application = await RealApplication.CreateAsync("first");
        var isBroken = true;
        await StartCourierAsync(application, withSecond: true, () => isBroken);
        var third = _many / 3;
        var slips = Enumerable.Range(0, 3 * third).Select(number => Slip(number % 3 == 0 ? ["first"] : ["first", number % 3 == 1 ? "second" : "throws"])).ToList();
        await application.SendAsync(slips, slip => slip.TrackingNumber);
        await application.SeeDeadAsync(3 * third);
        isBroken = false;
        await StartCourierAsync(application, withSecond: false, () => false);

        await using var busy = await application.KeepBusyAsync(_ => application.SendAsync([Slip("first")], slip => slip.TrackingNumber));

        var result = await application.ReplayAsync(waitSeconds: 1, followsLater: true);

        var seen = await Eventually.SeeAsync(
            () => Task.FromResult(result.Later!.Replayed), all => all.Count(message => message.Outcome == Outcome.Handled) == third && all.Count(message => message.Outcome == Outcome.Taken) == 2 * third, "one activity was enough for a third, and the others wait", TimeSpan.FromSeconds(120));
        busy.Lowest.ShouldBeGreaterThan(0);
        seen.Where(message => message.Outcome == Outcome.Handled).ShouldAllBe(message => application.Done.ContainsKey(message.MessageId!));
        await StartCourierAsync(application, withSecond: true, () => false);
        var later = await RealApplication.SeeLaterAsync(result, message => message.Outcome != Outcome.Taken);
        await application.ShouldAgreeAsync(later, Counts(third, 2 * third));
    }

    [Fact]
    public async Task Faulted_requests_are_handled_although_their_requesters_are_gone()
    {
        await using var application = await RealApplication.CreateAsync();
        await application.StartAsync();
        await using (var other = await RequesterAsync(application))
        {
            var requests = Enumerable.Range(0, _many).Select(number => other.Client.GetResponse<WorkDone>(new DoWork(number))).ToList();
            foreach (var request in requests)
                await Should.ThrowAsync<RequestFaultException>(request);
        }
        await application.SeeDeadAsync(_many);
        application.Work.Handle = (context, _) => BusyQueue.Is(context.Message.Number) ? Task.CompletedTask : context.RespondAsync(new WorkDone(context.Message.Number));
        await using var busy = await application.KeepBusyAsync();

        var result = await ReplayAsync(application, busy);

        await application.ShouldAgreeAsync(result.Replayed, Counts(0, _many));
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
        for (var number = 0; number < _many; number++)
            await PutAsync(number);
        await application.SeeDeadAsync(_many);
        application.Work.Handle = (context, _) => !BusyQueue.Is(context.Message.Number) && context.Message.Number % 5 == 0 ? throw new WorkException("still broken") : Task.CompletedTask;
        await using var busy = await application.KeepBusyAsync(PutAsync);

        var result = await ReplayAsync(application, busy);

        await application.ShouldAgreeAsync(result.Replayed, Counts(_many / 5, _many - _many / 5));

        Task PutAsync(int number)
        {
            var properties = new BasicProperties { ContentType = "application/json", MessageId = Guid.CreateVersion7().ToString() };
            return channel.BasicPublishAsync("work", "", mandatory: true, properties, Encoding.UTF8.GetBytes($$"""{ "number": {{number}} }""")).AsTask();
        }
    }

    [Fact]
    public async Task Encrypted_messages_are_handled_once_the_application_has_their_key_and_fail_again_without_it()
    {
        await using var application = await RealApplication.CreateAsync();
        await StartEncryptedAsync(application, sends: _key, reads: _otherKey);
        await application.FailAsync(_many);
        await StartEncryptedAsync(application, sends: [.. Enumerable.Reverse(_key)], reads: _otherKey);
        await application.SendAsync(Enumerable.Range(_many, 5).Select(number => new DoWork(number)));
        await application.SeeDeadAsync(_many + 5);
        application.Work.Handle = (_, _) => Task.CompletedTask;
        await StartEncryptedAsync(application, sends: _key, reads: _key);

        await using var busy = await application.KeepBusyAsync();

        var result = await ReplayAsync(application, busy);

        await application.ShouldAgreeAsync(result.Replayed, Counts(5, _many));
    }

    private static async Task<OperationResult> ReplayAsync(RealApplication application, BusyQueue busy)
    {
        var result = await application.ReplayAsync(waitSeconds: 180);
        busy.Lowest.ShouldBeGreaterThan(0);
        return result;
    }

    private static string Counts(int failed, int handled) =>
        string.Join(", ", new[] { (failed, "failed again"), (handled, "handled") }.Where(one => one.Item1 > 0).Select(one => string.Create(CultureInfo.InvariantCulture, $"{one.Item1:N0} {one.Item2}")));

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
        public async ValueTask DisposeAsync() => await Bus.StopAsync(TimeSpan.FromSeconds(20));
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
