using System.Text;
using RabbitMQ.Client;
using WorkinIt.DeadLetters;
using WorkinIt.Testbed;

namespace WorkinIt.BrokerTests.DeadLetters;

public sealed class DeadLetterQueueTests
{
    private static readonly CancellationToken _none = CancellationToken.None;

    [Fact]
    public async Task Message_of_any_kind_is_shown_and_replayed_or_refused_with_a_reason_and_none_is_lost()
    {
        await using var orders = await Orders.CreateAsync();
        var (twin, large) = (Guid.CreateVersion7(), Guid.CreateVersion7());
        await orders.PutAsync(new BasicProperties { ContentType = "text/plain" }, "hello, error queue"u8.ToArray());
        await orders.PutAsync(Orders.Faulted(Guid.CreateVersion7()), "{ \"messageId\": "u8.ToArray());
        await orders.PutAsync(Orders.Faulted(large), Orders.Envelope(large, $$"""{ "number": 1, "note": "{{new string('x', 5_000_000)}}" }"""));
        await orders.PutAsync(Orders.Faulted(null), Orders.Envelope(Guid.CreateVersion7(), """{ "number": 2 }"""));
        await orders.PutAsync(Orders.Faulted(twin), Orders.Envelope(twin, """{ "number": 3 }"""));
        await orders.PutAsync(Orders.Faulted(twin), Orders.Envelope(twin, """{ "number": 3 }"""));
        await orders.PutAsync(new BasicProperties { Headers = new Dictionary<string, object?> { ["odd"] = new List<object?> { 1, new Dictionary<string, object?> { ["deep"] = true } } } }, [0, 255, 1, 254]);
        await orders.PutAsync(new BasicProperties(), []);
        await orders.SeeAsync(Orders.Error, 8);

        var page = await orders.Client.ListAsync(Orders.Error, DeadLetterFilter.All, 0, 100, "jane", _none);
        page.Letters.Count.ShouldBe(8);
        page.Letters.Select(letter => letter.Id).Distinct().Count().ShouldBe(8); // also of the two identical messages
        page.Letters[0].Unreadable!.ShouldContain("text/plain");
        page.Letters[0].BodyText.ShouldBe("hello, error queue");
        page.Letters[1].Unreadable!.ShouldContain("not valid JSON");
        page.Letters[2].Body.Length.ShouldBeGreaterThan(5_000_000);
        page.Letters[3].MessageId.ShouldBeNull();
        page.Letters[5].Id.ShouldBe(page.Letters[4].Id + "-2");
        page.Letters[6].HeaderTexts.Single().Value.ShouldBe("""[1,{"deep":true}]""");
        page.Letters[6].BodyText.ShouldBeNull();

        // One of the two identical messages.
        var second = await orders.Client.ReplayAsync(Request(DeadLetterFilter.ById(page.Letters[5].Id)), null, _none);
        second.Done.ShouldBe(1);

        var all = await orders.Client.ReplayAsync(Request(DeadLetterFilter.All), null, _none);
        (all.Done, all.Refused.Count).ShouldBe((3, 4));
        all.Refused.ShouldAllBe(refusal => refusal.Why.StartsWith("unreadable: ", StringComparison.Ordinal));
        await orders.SeeAsync(Orders.Error, 4);
        await orders.SeeAsync(Orders.Input, 4);

        using var export = new MemoryStream();
        (await orders.Client.ExportAsync(new OperationRequest { Queue = Orders.Error, Filter = DeadLetterFilter.All, By = "jane" }, export, null, _none)).ShouldBe(4);
        Encoding.UTF8.GetString(export.ToArray()).Split('\n', StringSplitOptions.RemoveEmptyEntries)
            .Select(line => System.Text.Json.JsonDocument.Parse(line).RootElement.GetProperty("body").GetBytesFromBase64().Length)
            .ShouldBe([18, 15, 4, 0]);
    }

    [Fact]
    public async Task Message_dead_lettered_by_the_broker_shows_why_and_is_replayed_without_its_death_headers()
    {
        await using var orders = await Orders.CreateAsync();
        await orders.DeclareAsync("slow", new Dictionary<string, object?> { ["x-message-ttl"] = 1, ["x-dead-letter-exchange"] = "slow_error" });
        await orders.DeclareAsync("slow_error", []);
        var id = Guid.CreateVersion7();
        await orders.PutAsync(new BasicProperties { MessageId = id.ToString(), ContentType = "application/vnd.masstransit+json" }, Orders.Envelope(id, "{}"), "slow");
        await orders.SeeAsync("slow_error", 1);

        var letter = (await orders.Client.FindAsync("slow_error", id.ToString(), "jane", _none))!;
        (letter.Kind, letter.ExceptionType, letter.FailedIn).ShouldBe((DeadLetterKind.Broker, "expired", "slow"));
        letter.FailedAt!.Value.ShouldBe(DateTimeOffset.UtcNow, TimeSpan.FromMinutes(5));
        letter.MessageTypes.ShouldBe(["Orders:PlaceOrder"]);

        await orders.Channel.QueueDeleteAsync("slow");
        await orders.DeclareAsync("slow", []);
        (await orders.Client.ReplayAsync(Request(DeadLetterFilter.All) with { Queue = "slow_error" }, null, _none)).Done.ShouldBe(1);
        await orders.SeeAsync("slow", 1);
        (await orders.VirtualHost.TakeAllAsync("slow")).Single().BasicProperties.Headers!.Keys.ShouldAllBe(header => header.StartsWith("Replay-"));
    }

    [Fact]
    public async Task Skipped_message_is_replayed_with_a_warning_whatever_the_bindings_are()
    {
        await using var orders = await Orders.CreateAsync();
        await orders.DeclareAsync("orders_skipped", []);
        var id = Guid.CreateVersion7();
        var properties = new BasicProperties
        {
            MessageId = id.ToString(),
            ContentType = "application/vnd.masstransit+json",
            Headers = new Dictionary<string, object?> { ["MT-Reason"] = "dead-letter" },
        };
        await orders.PutAsync(properties, Orders.Envelope(id, "{}"), "orders_skipped");
        await orders.SeeAsync("orders_skipped", 1);
        var request = Request(DeadLetterFilter.All) with { Queue = "orders_skipped" };

        (await orders.Client.PlanAsync(request, null, _none)).Replayed.Single().Verdict.ShouldSatisfyAllConditions(
            it => it.Kind.ShouldBe(VerdictKind.Warning), it => it.Text.ShouldContain("whether one does now can't be checked"));
        await orders.Channel.ExchangeDeclareAsync("Orders:PlaceOrder", ExchangeType.Fanout, durable: true);
        await orders.Channel.ExchangeBindAsync(Orders.Input, "Orders:PlaceOrder", "");
        (await orders.Client.PlanAsync(request, null, _none)).Replayed.Single().Verdict.Text.ShouldSatisfyAllConditions(
            it => it.ShouldContain("whether one does now can't be checked"), it => it.ShouldContain("no consumer is connected"));
        (await orders.Client.ReplayAsync(request, null, _none)).Done.ShouldBe(1);
        await orders.SeeAsync(Orders.Input, 1);
    }

    [Fact]
    public async Task Discarded_message_is_kept_for_a_while_and_restored_unchanged()
    {
        await using var orders = await Orders.CreateAsync();
        var ids = await orders.PutFaultsAsync(4);
        await orders.Channel.QueueDeclareAsync("orders-elsewhere", durable: true, exclusive: false, autoDelete: false);
        await orders.PutAsync(new BasicProperties { Expiration = "86400000", Headers = new Dictionary<string, object?> { ["CC"] = new List<object?> { "orders-elsewhere" } } }, "odd"u8.ToArray());
        await orders.SeeAsync("orders-elsewhere", 1);
        (await orders.VirtualHost.TakeAllAsync("orders-elsewhere")).Count.ShouldBe(1); // the CC copy of the first publish
        await orders.SeeAsync(Orders.Error, 5);
        var before = await AllAsync(orders, Orders.Error);

        var idBefore = (await orders.Client.FindAsync(Orders.Error, ids[0].ToString(), "jane", _none))!.Id;

        var discarded = await orders.Client.DiscardAsync(new DiscardRequest { Queue = Orders.Error, Filter = DeadLetterFilter.All, By = "jane" }, null, _none);
        (discarded.Done, discarded.IsComplete).ShouldBe((5, true));
        await orders.SeeAsync("orders_discarded", 5);
        (await orders.VirtualHost.ReadyAsync(Orders.Error)).ShouldBe(0);
        (await orders.Client.FindQueuesAsync(_none)).Single(queue => queue.IsDiscarded).InputQueue.ShouldBe(Orders.Input);
        var letter = (await orders.Client.FindAsync("orders_discarded", ids[0].ToString(), "jane", _none))!;
        letter.Id.ShouldBe(idBefore); // the id stays the same, so the message can be restored by it
        (letter.DiscardedFrom, letter.Properties.Expiration).ShouldBe((Orders.Error, "2592000000"));
        var refused = await orders.Client.ReplayAsync(Request(DeadLetterFilter.ById(ids[0].ToString())) with { Queue = "orders_discarded" }, null, _none);
        refused.Refused.Single().Why.ShouldContain("restore it first");

        (await orders.Client.RestoreAsync(new OperationRequest { Queue = Orders.Error, Filter = DeadLetterFilter.All, By = "jane" }, null, _none)).Done.ShouldBe(5);
        await orders.SeeAsync(Orders.Error, 5);
        var after = await AllAsync(orders, Orders.Error);
        Orders.ShouldBeSame(after.Select(line => line.Replace("Original-CC", "CC", StringComparison.Ordinal).Replace(", Original-Expiration=86400000", "86400000", StringComparison.Ordinal)), before);
        after.Count(line => line.Contains("Original-CC", StringComparison.Ordinal)).ShouldBe(1);
        (await orders.VirtualHost.ReadyAsync("orders-elsewhere")).ShouldBe(0); // no move published a CC copy

        // A discarded message expires automatically.
        using var brief = new DeadLetterClient(orders.Options with { DiscardedLife = TimeSpan.FromSeconds(1) }, orders.Client.Audit);
        (await brief.DiscardAsync(new DiscardRequest { Queue = Orders.Error, Filter = DeadLetterFilter.ById(ids[0].ToString()), By = "jane" }, null, _none)).Done.ShouldBe(1);
        await orders.SeeAsync("orders_discarded", 0);
    }

    [Fact]
    public async Task Messages_stay_when_the_queue_of_discarded_messages_is_deleted_during_a_discard_and_the_next_discard_creates_it_again()
    {
        const int letters = 2_000;
        await using var orders = await Orders.CreateAsync();
        await orders.PutFaultsAsync(letters);
        uint deleted = 0;
        var deletes = new OnFirst(() => deleted = orders.Channel.QueueDeleteAsync("orders_discarded").GetAwaiter().GetResult());
        var request = new DiscardRequest { Queue = Orders.Error, Filter = DeadLetterFilter.All, By = "jane" };

        var discarded = await orders.Client.DiscardAsync(request, deletes, _none);
        (discarded.Done + discarded.Refused.Count).ShouldBe(letters);
        // RabbitMQ 4.3.6 also confirms messages that reach the queue while it is being deleted, and does not count them.
        discarded.Done.ShouldBeInRange(deleted, deleted + 256L);
        discarded.Refused.Count.ShouldBeGreaterThan(0);
        await orders.SeeAsync(Orders.Error, discarded.Refused.Count);

        (await orders.Client.DiscardAsync(request, null, _none)).Done.ShouldBe(discarded.Refused.Count);
        await orders.SeeAsync("orders_discarded", discarded.Refused.Count);
    }

    [Fact]
    public async Task Queue_with_a_delivery_limit_is_read_only_while_reads_are_left()
    {
        await using var orders = await Orders.CreateAsync("quorum", new Dictionary<string, object?> { ["x-delivery-limit"] = 6 });
        using var broker = TestBroker.FromEnvironment();
        var countsReads = Version.Parse(await broker.VersionAsync()) < new Version(4, 3); // from 4.3 on, a returned message does not count toward the limit
        foreach (var user in new[] { "operator", null, null }) // another user's connection publishes the copy of the first message
        {
            var properties = Orders.Faulted(Guid.CreateVersion7());
            if (user is not null)
                properties.UserId = user;
            await orders.PutAsync(properties, Orders.Envelope(Guid.CreateVersion7(), "{}"));
        }
        await orders.SeeAsync(Orders.Error, 3);

        (await orders.Client.FindQueuesAsync(_none)).Single(queue => queue.Name == Orders.Error).AccessWarning!.ShouldContain("delivery limit of 6");
        var reads = 0;
        DeadLetterException? refused = null;
        for (var attempt = 0; attempt < 12; attempt++) // a refused read counts too; at the limit, a copy replaces the message
        {
            try
            {
                await orders.Client.ListAsync(Orders.Error, DeadLetterFilter.All, 0, 10, "jane", _none);
                reads++;
            }
            catch (DeadLetterException e)
            {
                refused = e;
            }
        }
        await orders.SeeAsync(Orders.Error, 3);
        if (!countsReads)
        {
            reads.ShouldBe(12);
            return;
        }
        reads.ShouldBeGreaterThan(0);
        refused!.Problem.ShouldBe(DeadLetterProblem.Refused);
        refused.Message.ShouldContain("reads are left");
        (await orders.VirtualHost.TakeAllAsync(Orders.Error)).Count(letter => Orders.Header(letter, "Original-User-Id") == "operator").ShouldBe(1);
    }

    [Fact]
    public async Task Queue_with_a_consumer_is_not_read_as_a_dead_letter_queue()
    {
        await using var orders = await Orders.CreateAsync();
        await orders.PutFaultsAsync(1);
        await using var channel = await orders.VirtualHost.OpenChannelAsync();
        await channel.BasicQosAsync(0, 1, global: false);
        await channel.BasicConsumeAsync(Orders.Input, autoAck: false, new RabbitMQ.Client.Events.AsyncEventingBasicConsumer(channel));
        await Eventually.SeeAsync(
            async () => (await orders.VirtualHost.ManagementAsync($"queues/{{vhost}}/{Orders.Input}")).TryGetProperty("consumers", out var consumers) ? consumers.GetInt32() : 0,
            count => count == 1, "the management API lists the consumer");
        var refused = await Should.ThrowAsync<DeadLetterException>(orders.Client.ListAsync(Orders.Input, DeadLetterFilter.All, 0, 1, "jane", _none));
        refused.Message.ShouldContain("has a consumer");
    }

    [Theory]
    [InlineData("classic")]
    [InlineData("quorum")]
    public async Task Dead_letter_queue_keeps_its_order_however_often_it_is_read(string errorType)
    {
        await using var orders = await Orders.CreateAsync(errorType);
        var ids = await orders.PutFaultsAsync(2500);
        for (var read = 0; read < 3; read++)
        {
            var page = await orders.Client.ListAsync(Orders.Error, DeadLetterFilter.Parse(["text=für 😀 2400"]), 0, 10, "jane", _none);
            page.Letters.Single().MessageId.ShouldBe(ids[2400].ToString());
            page.Letters.Single().Position.ShouldBe(2401);
            // Reads only the head of the queue.
            (await orders.Client.ListAsync(Orders.Error, DeadLetterFilter.All, 0, 10, "jane", _none)).Letters.Select(letter => letter.MessageId).ShouldBe(ids.Take(10).Select(id => id.ToString()));
        }
        Orders.ShouldBeSame((await orders.VirtualHost.TakeAllAsync(Orders.Error)).Select(message => message.BasicProperties.MessageId), ids.Select(id => id.ToString()));
    }

    private static ReplayRequest Request(DeadLetterFilter filter) => new() { Queue = Orders.Error, Filter = filter, By = "jane", Wait = TimeSpan.Zero };

    // Acts at the first report of a moved message. A Progress<T> would act on another thread, too late.
    private sealed class OnFirst(Action act) : IProgress<OperationProgress>
    {
        private bool _done;

        public void Report(OperationProgress value)
        {
            if (value.Done > 0 && !_done)
            {
                _done = true;
                act();
            }
        }
    }

    // Reads all messages and returns them to the queue in the same order.
    private static async Task<IReadOnlyList<string>> AllAsync(Orders orders, string queue)
    {
        var all = new List<string>();
        await using var channel = await orders.VirtualHost.OpenChannelAsync();
        ulong last = 0;
        while (await channel.BasicGetAsync(queue, autoAck: false) is { } message)
        {
            all.Add(Orders.Text(message) + message.BasicProperties.Expiration);
            last = message.DeliveryTag;
        }
        await channel.BasicNackAsync(last, multiple: true, requeue: true);
        return all;
    }
}
