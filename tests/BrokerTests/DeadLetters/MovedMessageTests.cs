using System.Text;
using RabbitMQ.Client;
using WorkinIt.DeadLetters;

namespace WorkinIt.BrokerTests.DeadLetters;

/// <summary>Messages that are moved out of a dead-letter queue and back: their properties and their destination.</summary>
public sealed class MovedMessageTests
{
    private static readonly CancellationToken _none = CancellationToken.None;

    [Fact]
    public async Task Moved_message_is_persistent_and_does_not_expire_whatever_its_sender_set()
    {
        await using var orders = await Orders.CreateAsync();
        var id = Guid.CreateVersion7();
        var properties = Orders.Faulted(id);
        (properties.Expiration, properties.DeliveryMode) = ("3600000", DeliveryModes.Transient);
        await orders.PutAsync(properties, Orders.Envelope(id, "{}"));
        await orders.SeeAsync(Orders.Error, 1);
        var idBefore = (await orders.Client.FindAsync(Orders.Error, id.ToString(), "jane", _none))!.Id;

        (await orders.Client.DiscardAsync(new DiscardRequest { Queue = Orders.Error, Filter = DeadLetterFilter.All, By = "jane" }, null, _none)).Done.ShouldBe(1);
        await orders.SeeAsync("orders_discarded", 1);
        var discarded = (await orders.Client.FindAsync("orders_discarded", id.ToString(), "jane", _none))!;
        (discarded.Id, discarded.Properties.DeliveryMode, discarded.Properties.Expiration).ShouldBe((idBefore, DeliveryModes.Persistent, "2592000000"));

        (await orders.Client.RestoreAsync(new OperationRequest { Queue = Orders.Error, Filter = DeadLetterFilter.All, By = "jane" }, null, _none)).Done.ShouldBe(1);
        await orders.SeeAsync(Orders.Error, 1);
        var restored = (await orders.Client.FindAsync(Orders.Error, id.ToString(), "jane", _none))!;
        (restored.Id, restored.Properties.DeliveryMode, restored.Properties.IsExpirationPresent()).ShouldBe((idBefore, DeliveryModes.Persistent, false));
        (restored.Header("Original-Expiration"), restored.Header("Original-Delivery-Mode")).ShouldBe(("3600000", "1"));

        (await orders.Client.ReplayAsync(Request(DeadLetterFilter.All), null, _none)).Done.ShouldBe(1);
        await orders.SeeAsync(Orders.Input, 1);
        var message = (await orders.VirtualHost.TakeAllAsync(Orders.Input)).Single();
        (message.BasicProperties.DeliveryMode, message.BasicProperties.IsExpirationPresent()).ShouldBe((DeliveryModes.Persistent, false));
        (Orders.Header(message, "Original-Expiration"), Orders.Header(message, "Original-Delivery-Mode")).ShouldBe(("3600000", "1"));
    }

    [Fact]
    public async Task Dead_letter_that_expires_is_listed_and_shown_with_its_remaining_time()
    {
        await using var orders = await Orders.CreateAsync();
        await orders.DeclareAsync("slips_error", new Dictionary<string, object?> { ["x-message-ttl"] = 7_200_000 });
        var (own, queues) = (Guid.CreateVersion7(), Guid.CreateVersion7());
        await orders.PutAsync(new BasicProperties { MessageId = own.ToString(), Expiration = "3600000" }, "{}"u8.ToArray());
        await orders.PutAsync(new BasicProperties { MessageId = queues.ToString() }, "{}"u8.ToArray(), "slips_error");
        await orders.SeeAsync(Orders.Error, 1);
        await orders.SeeAsync("slips_error", 1);

        (await orders.Command.RunAsync("dead-letters", "list", "--queue", Orders.Error)).Output.ShouldContain("expires in at most 60 min");
        (await orders.Command.RunAsync("dead-letters", "show", own.ToString(), "--queue", Orders.Error)).Output.ShouldContain("expires in at most 60 min");
        (await orders.Command.RunAsync("dead-letters", "list", "--queue", "slips_error")).Output.ShouldContain("expires in at most 2 h");
        (await orders.Command.RunAsync("dead-letters", "list", "--queue", "slips_error", "--json")).Json.GetProperty("letters")[0].GetProperty("expires").GetString().ShouldBe("expires in at most 2 h");
    }

    [Fact]
    public async Task Message_is_replayed_to_the_queue_it_failed_in_and_dry_run_and_result_name_that_queue()
    {
        await using var orders = await Orders.CreateAsync();
        foreach (var queue in new[] { "orders_archive", "orders_suspect", "orders_slow" })
            await orders.DeclareAsync(queue, []);
        var ids = new Dictionary<string, Guid>();
        foreach (var failedIn in new[] { "orders_archive", "orders_suspect", "orders_gone" })
        {
            var properties = Orders.Faulted(ids[failedIn] = Guid.CreateVersion7());
            properties.Headers!["MT-Fault-InputAddress"] = "rabbitmq://localhost/" + failedIn;
            await orders.PutAsync(properties, Orders.Envelope(ids[failedIn], "{}"));
        }
        await orders.SeeAsync(Orders.Error, 3);

        var plan = (await orders.Command.RunAsync("dead-letters", "replay", "--queue", Orders.Error, "--all", "--dry-run", "--json")).Json;
        plan.GetProperty("replayed").EnumerateArray().Select(one => one.GetProperty("target").GetString()).ShouldBe(["orders_archive", Orders.Input, Orders.Input]);
        (await orders.Command.RunAsync("dead-letters", "replay", "--queue", Orders.Error, "--all", "--dry-run")).Output.ShouldContain("1 to orders_archive");

        var replay = (await orders.Command.RunAsync("dead-letters", "replay", "--queue", Orders.Error, "--where", $"id={ids["orders_archive"]},{ids["orders_suspect"]}", "--yes", "--wait", "0")).Output;
        replay.ShouldContain("1 to orders_archive");
        await orders.SeeAsync("orders_archive", 1);
        await orders.SeeAsync(Orders.Input, 1);

        var elsewhere = await orders.Command.RunAsync("dead-letters", "replay", "--queue", Orders.Error, "--all", "--to", "orders_slow", "--yes", "--wait", "0", "--json");
        elsewhere.Json.GetProperty("outcomes")[0].GetProperty("target").GetString().ShouldBe("orders_slow");
        await orders.SeeAsync("orders_slow", 1);
        await orders.SeeAsync("orders_suspect", 0);
    }

    [Fact]
    public async Task Message_that_its_consumer_could_read_is_readable_and_editable_if_its_body_is_JSON()
    {
        await using var orders = await Orders.CreateAsync();
        string?[] types = ["text/plain", null, "application/cloudevents+json", "application/x-protobuf"];
        byte[] binary = [0, 255, 1, 254];
        foreach (var type in types)
        {
            var properties = Orders.Faulted(Guid.CreateVersion7());
            properties.ContentType = type!;
            if (type is null)
                properties.ClearContentType();
            properties.Headers!.Remove("Content-Type");
            properties.Headers["MT-Fault-ConsumerType"] = "Orders.PlaceOrderConsumer";
            await orders.PutAsync(properties, type == types[3] ? binary : """{ "number" : 1.50 }"""u8.ToArray());
        }
        var never = Orders.Faulted(Guid.CreateVersion7());
        never.ContentType = "text/plain";
        await orders.PutAsync(never, "hello"u8.ToArray());
        await orders.SeeAsync(Orders.Error, 5);

        var plan = await orders.Client.PlanAsync(Request(DeadLetterFilter.All), null, _none);
        plan.Refused.ShouldHaveSingleItem().Why.ShouldContain("text/plain");
        var letters = (await orders.Client.ListAsync(Orders.Error, DeadLetterFilter.All, 0, 10, "jane", _none)).Letters;
        letters.Select(letter => letter.CanBeEdited).ShouldBe([true, true, true, false, false]);

        (await orders.Client.ReplayAsync(Request(DeadLetterFilter.ById(letters[1].Id)) with { Edited = """{"number":2}""" }, null, _none)).Done.ShouldBe(1);
        (await orders.Client.ReplayAsync(Request(DeadLetterFilter.All), null, _none)).Done.ShouldBe(3);
        await orders.SeeAsync(Orders.Input, 4);
        (await orders.VirtualHost.TakeAllAsync(Orders.Input)).Select(message => Convert.ToBase64String(message.Body.Span)).ShouldBe(
            new[] { """{"number":2}"""u8.ToArray(), """{ "number" : 1.50 }"""u8.ToArray(), """{ "number" : 1.50 }"""u8.ToArray(), binary }.Select(Convert.ToBase64String));
    }

    [Fact]
    public async Task Replay_of_a_request_explains_its_effect_and_omits_the_response_address_on_demand()
    {
        await using var orders = await Orders.CreateAsync();
        var id = Guid.CreateVersion7();
        var body = $$"""{ "messageId": "{{id}}", "responseAddress" : "rabbitmq://localhost/bus-shop-1?temporary=true",  "messageType": ["urn:message:Orders:PlaceOrder"], "message": { "number" : 1 } }""";
        await orders.PutAsync(Orders.Faulted(id), Encoding.UTF8.GetBytes(body));
        await orders.SeeAsync(Orders.Error, 1);

        (await orders.Command.RunAsync("dead-letters", "show", id.ToString(), "--queue", Orders.Error)).Output.ShouldContain("bus-shop-1");
        var plan = (await orders.Command.RunAsync("dead-letters", "replay", "--queue", Orders.Error, "--all", "--dry-run")).Output;
        plan.ShouldContain("a request: its response exchange bus-shop-1 no longer exists, so its consumer may run twice");
        plan.ShouldContain("--without-response");
        await orders.Channel.ExchangeDeclareAsync("bus-shop-1", ExchangeType.Fanout, durable: true);
        (await orders.Command.RunAsync("dead-letters", "replay", "--queue", Orders.Error, "--all", "--dry-run")).Output.ShouldContain("a request: its consumer answers to bus-shop-1 again");

        var replay = await orders.Command.RunAsync("dead-letters", "replay", "--queue", Orders.Error, "--all", "--without-response", "--yes", "--wait", "0");
        replay.Code.ShouldBe(0, replay.Errors);
        await orders.SeeAsync(Orders.Input, 1);
        Encoding.UTF8.GetString((await orders.VirtualHost.TakeAllAsync(Orders.Input)).Single().Body.Span)
            .ShouldBe($$"""{ "messageId": "{{id}}", "messageType": ["urn:message:Orders:PlaceOrder"], "message": { "number" : 1 } }""");
    }

    private static ReplayRequest Request(DeadLetterFilter filter) => new() { Queue = Orders.Error, Filter = filter, By = "jane", Wait = TimeSpan.Zero };
}
