using RabbitMQ.Client;
using WorkinIt.DeadLetters;
using WorkinIt.Testbed;

namespace WorkinIt.BrokerTests.DeadLetters;

/// <summary>The checks of the dry run and the replay before the first message moves.</summary>
public sealed class ReplayCheckTests
{
    private static readonly CancellationToken _none = CancellationToken.None;

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Replay_to_an_exchange_that_leads_elsewhere_is_refused_and_the_destination_is_named(bool byPolicy)
    {
        await using var orders = await Orders.CreateAsync();
        await orders.PutFaultsAsync(2);
        await orders.DeclareAsync("lost", []);
        await orders.Channel.ExchangeDeleteAsync(Orders.Input);
        await orders.Channel.ExchangeDeclareAsync(Orders.Input, ExchangeType.Fanout, durable: true,
            arguments: byPolicy ? null : new Dictionary<string, object?> { ["alternate-exchange"] = "lost" });
        if (byPolicy)
            await orders.VirtualHost.SetPolicyAsync("catch-all", Orders.Input, new Dictionary<string, object> { ["alternate-exchange"] = "lost" }, "exchanges");

        var plan = await orders.Client.PlanAsync(Request(Orders.Error), null, _none);
        plan.Refused.Count.ShouldBe(2);
        plan.Refused[0].Why.ShouldSatisfyAllConditions(it => it.ShouldContain("exchange orders"), it => it.ShouldContain("alternate exchange lost"));
        (await orders.Client.ReplayAsync(Request(Orders.Error), null, _none)).Done.ShouldBe(0);
        await orders.SeeAsync(Orders.Error, 2);
        await orders.SeeAsync("lost", 0);
    }

    [Fact]
    public async Task Dry_run_warns_of_copies_that_the_exchange_would_send_to_other_queues()
    {
        await using var orders = await Orders.CreateAsync();
        await orders.PutFaultsAsync(1);
        await orders.DeclareAsync("tap", []);
        await orders.Channel.ExchangeBindAsync("tap", Orders.Input, "");

        (await orders.Client.PlanAsync(Request(Orders.Error), null, _none)).Replayed.Single().Verdict.ShouldSatisfyAllConditions(
            it => it.Kind.ShouldBe(VerdictKind.Warning), it => it.Text.ShouldContain("copy to tap"));
    }

    [Fact]
    public async Task Dry_run_reports_a_missing_RabbitMQ_permission()
    {
        await using var orders = await Orders.CreateAsync();
        await orders.PutFaultsAsync(2);
        using var broker = TestBroker.FromEnvironment();
        using var client = new DeadLetterClient(DeadLetterOptions.Parse(orders.VirtualHost.ConnectionString("replay"), broker.Management.BaseAddress!), orders.Client.Audit);

        var plan = await client.PlanAsync(Request(Orders.Error), null, _none);
        (plan.Done, plan.Refused.Count).ShouldBe((0, 2));
        plan.Refused[0].Why.ShouldContain("the RabbitMQ user replay may not write to exchange orders");
        await orders.SeeAsync(Orders.Error, 2);
        await orders.SeeAsync(Orders.Input, 0);
        (await orders.Command.RunAsync("dead-letters", "replay", "--queue", Orders.Error, "--all", "--dry-run")).Output
            .ShouldContain("2 ready to replay (the cause is not checked)");
    }

    [Fact]
    public async Task Message_whose_headers_leave_no_room_for_the_replay_stamp_is_refused_and_the_rest_is_replayed()
    {
        await using var orders = await Orders.CreateAsync();
        var (first, large, last) = (Guid.CreateVersion7(), Guid.CreateVersion7(), Guid.CreateVersion7());
        foreach (var id in new[] { first, large, last })
        {
            var properties = new BasicProperties { MessageId = id.ToString(), ContentType = "application/vnd.masstransit+json", Headers = new Dictionary<string, object?> { ["Note"] = "" } };
            if (id == large)
                properties.Headers["Note"] = new string('x', 130_900);
            await orders.PutAsync(properties, Orders.Envelope(id, "{}"));
        }
        await orders.SeeAsync(Orders.Error, 3);

        (await orders.Client.PlanAsync(Request(Orders.Error), null, _none)).Refused.Single().ShouldSatisfyAllConditions(
            it => it.MessageId.ShouldBe(large.ToString()), it => it.Why.ShouldContain("headers"));
        var replay = await orders.Client.ReplayAsync(Request(Orders.Error) with { By = new string('j', 140_000) }, null, _none);
        (replay.Done, replay.Refused.Single().MessageId).ShouldBe((2, large.ToString()));
        await orders.SeeAsync(Orders.Input, 2);
        Orders.Header((await orders.VirtualHost.TakeAllAsync(Orders.Input))[0], "Replay-By")!.Length.ShouldBeLessThan(200);
        (await orders.Client.DiscardAsync(new DiscardRequest { Queue = Orders.Error, Filter = DeadLetterFilter.All, By = "jane" }, null, _none))
            .Refused.Single().MessageId.ShouldBe(large.ToString());
        await orders.SeeAsync(Orders.Error, 1);
    }

    [Fact]
    public async Task Message_larger_than_the_broker_accepts_is_refused_before_it_moves()
    {
        await using var orders = await Orders.CreateAsync();
        var ids = await orders.PutFaultsAsync(2);
        using var broker = TestBroker.FromEnvironment();
        var isAccepted = Version.Parse(await broker.VersionAsync()) < new Version(4, 0); // the limit is 128 MiB there, and 16 MiB from 4.0 on
        var request = Request(Orders.Error) with { Filter = DeadLetterFilter.ById(ids[0].ToString()), Edited = $$"""{ "note": "{{new string('x', 17 * 1024 * 1024)}}" }""" };

        var plan = await orders.Client.PlanAsync(request, null, _none);
        var replay = await orders.Client.ReplayAsync(request, null, _none);
        if (isAccepted)
        {
            (plan.Done, replay.Done).ShouldBe((1, 1));
            return;
        }
        plan.Refused.Single().Why.ShouldContain("the broker accepts at most 16,777,216");
        replay.Refused.Single().MessageId.ShouldBe(ids[0].ToString());
        (await orders.Client.ReplayAsync(Request(Orders.Error), null, _none)).Done.ShouldBe(2);
    }

    [Theory]
    [InlineData(246)] // 254 bytes with _error: the name of a lock or of the discarded queue would be longer than the broker allows
    [InlineData(225)] // _discarded fits, but an error reply of RabbitMQ 4.3.6 about it does not
    public async Task Queues_with_long_names_are_listed_shown_replayed_discarded_and_restored(int length)
    {
        await using var orders = await Orders.CreateAsync();
        var input = "ü" + new string('q', length);
        var error = input + "_error";
        await orders.DeclareAsync(input, []);
        await orders.DeclareAsync(error, []);
        var ids = new[] { Guid.CreateVersion7(), Guid.CreateVersion7() };
        foreach (var id in ids)
        {
            var properties = Orders.Faulted(id);
            properties.Headers!["MT-Fault-InputAddress"] = "rabbitmq://localhost/" + Uri.EscapeDataString(input);
            await orders.PutAsync(properties, Orders.Envelope(id, "{}"), error);
        }
        await orders.SeeAsync(error, 2);

        (await orders.Client.SearchAsync(ids[0].ToString(), "jane", _none)).Places.Single().Queue.Name.ShouldBe(error);
        (await orders.Command.RunAsync("dead-letters", "list", "--queue", error)).Code.ShouldBe(0);
        (await orders.Command.RunAsync("dead-letters", "show", ids[1].ToString(), "--queue", error)).ShouldSatisfyAllConditions(
            it => it.Code.ShouldBe(0, it.ToString()), it => it.Output.ShouldContain(ids[1].ToString()));
        (await orders.Client.DiscardAsync(new DiscardRequest { Queue = error, Filter = DeadLetterFilter.ById(ids[0].ToString()), By = "jane" }, null, _none)).Done.ShouldBe(1);
        (await orders.Client.RestoreAsync(new OperationRequest { Queue = error, Filter = DeadLetterFilter.All, By = "jane" }, null, _none)).Done.ShouldBe(1);
        await orders.SeeAsync(error, 2);
        (await orders.Client.ReplayAsync(Request(error) with { Wait = TimeSpan.FromSeconds(1) }, null, _none)).Done.ShouldBe(2);
        await orders.SeeAsync(input, 2);
    }

    [Fact]
    public async Task Messages_that_vanished_after_the_dry_run_are_told()
    {
        await using var orders = await Orders.CreateAsync();
        await orders.PutFaultsAsync(2);

        var replay = await orders.Client.ReplayAsync(Request(Orders.Error) with { Expected = 3 }, null, _none);
        (replay.Done, replay.Missing, replay.IsComplete).ShouldBe((2, 1, false));

        await orders.PutFaultsAsync(1);
        var discard = await orders.Client.DiscardAsync(new DiscardRequest { Queue = Orders.Error, Filter = DeadLetterFilter.All, By = "jane", Expected = 2 }, null, _none);
        (discard.Done, discard.Missing, discard.IsComplete).ShouldBe((1, 1, false));
        var restore = await orders.Client.RestoreAsync(new OperationRequest { Queue = Orders.Error, Filter = DeadLetterFilter.All, By = "jane" }, null, _none);
        (restore.Done, restore.Missing, restore.IsComplete).ShouldBe((1, 0, true));
    }

    private static ReplayRequest Request(string queue) => new() { Queue = queue, Filter = DeadLetterFilter.All, By = "jane", Wait = TimeSpan.Zero };
}
