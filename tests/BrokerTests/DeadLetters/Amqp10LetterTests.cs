using Amqp;
using Amqp.Framing;
using Amqp.Types;
using WorkinIt.DeadLetters;
using WorkinIt.Testbed;

namespace WorkinIt.BrokerTests.DeadLetters;

/// <summary>
/// Dead letters of AMQP 1.0 clients: what is shown of them, and what a move loses. What is not guessed right is in docs/discovery.md, each with its test here.
/// </summary>
public sealed class Amqp10LetterTests
{
    private static readonly CancellationToken _none = CancellationToken.None;

    [Fact]
    public async Task Body_of_values_is_shown_decoded_and_masked()
    {
        await using var orders = await Orders.CreateAsync();
        await using var client = await Amqp10Client.ConnectAsync(orders);
        await client.SendAsync(Orders.Error, new Message { BodySection = new AmqpValue { Value = new Map { ["customer"] = "jane@example.com", ["orderId"] = 4711UL, ["lines"] = new List { new Symbol("gift"), 2.5 } } }, Properties = new Properties { MessageId = "value-1" } });
        await client.SendAsync(Orders.Error, new Message { BodySection = new AmqpSequence { List = new List { "jane@example.com", 7 } }, Properties = new Properties { MessageId = "sequence-1" } });
        await client.SendAsync(Orders.Error, new Message { BodySection = new AmqpValue { Value = null } });
        await orders.SeeAsync(Orders.Error, 3);

        var value = await ShowAsync(orders, "value-1");
        value.ShouldContain("\"amqp-value\": {");
        value.ShouldContain("\"orderId\": 4711");
        value.ShouldContain("\"symbol\": \"gift\"");
        value.ShouldContain("jane@example.com");
        var sequence = await ShowAsync(orders, "sequence-1");
        sequence.ShouldContain("\"amqp-sequence\": [");
        (await orders.Command.RunAsync("dead-letters", "show", "value-1", "--queue", Orders.Error)).Output.ShouldNotContain("jane");
        var listed = (await orders.Command.RunAsync("dead-letters", "list", "--queue", Orders.Error, "--where", "text=4711", "--json")).Json.GetProperty("letters");
        listed.GetArrayLength().ShouldBe(1);
        (await LettersAsync(orders)).Select(letter => letter.Unreadable).ShouldBe([null, null, null]);
        (await LettersAsync(orders)).Select(letter => letter.Amqp10!.Text).Last().ShouldBe("""{"amqp-value":null}""");
    }

    [Fact]
    public async Task Message_that_would_lose_a_part_is_replayed_only_if_that_is_accepted()
    {
        await using var orders = await Orders.CreateAsync();
        await using var client = await Amqp10Client.ConnectAsync(orders);
        await DeadLetterAsync(orders, client, Complete());

        var plan = await orders.Client.PlanAsync(Replay(), null, _none);
        if (client.KeepsAll)
        {
            (plan.Done, plan.Refused.Count).ShouldBe((1, 0));
            (await orders.Client.ReplayAsync(Replay(), null, _none)).Done.ShouldBe(1);
            var kept = await client.TakeAsync(Orders.Input);
            Body(kept).ShouldBe(Body(Complete()));
            (kept.Properties.To, kept.Properties.Subject, kept.Properties.GroupId, kept.Properties.GroupSequence).ShouldBe(("elsewhere", "an order", "orders", 7u));
            return;
        }

        plan.Refused.ShouldHaveSingleItem().Why.ShouldContain("to, subject, group sequence");
        var refused = await orders.Command.RunAsync("dead-letters", "replay", "--queue", Orders.Error, "--all", "--yes", "--wait", "0");
        refused.Code.ShouldBe(1, refused.ToString());
        refused.ToString().ShouldContain("--accept-loss");
        (await orders.Command.RunAsync("dead-letters", "replay", "--queue", Orders.Error, "--all", "--dry-run", "--accept-loss")).Output.ShouldContain("comes from an AMQP 1.0 client");
        var accepted = await orders.Command.RunAsync("dead-letters", "replay", "--queue", Orders.Error, "--all", "--yes", "--wait", "0", "--accept-loss");

        accepted.Code.ShouldBe(0, accepted.ToString());
        var moved = await client.TakeAsync(Orders.Input);
        Body(moved).ShouldBe(Body(Complete()));
        (moved.Properties.To, moved.Properties.Subject, moved.Properties.GroupId, moved.Properties.GroupSequence).ShouldBe((null, null, "orders", 0u));
    }

    [Fact]
    public async Task Discard_that_would_lose_a_part_is_refused_and_a_restore_loses_nothing_more()
    {
        await using var orders = await Orders.CreateAsync();
        await using var client = await Amqp10Client.ConnectAsync(orders);
        await DeadLetterAsync(orders, client, Complete());
        var discard = new DiscardRequest { Queue = Orders.Error, Filter = DeadLetterFilter.All, By = "jane" };

        (await orders.Client.PlanDiscardAsync(discard, null, _none)).Refused.Count.ShouldBe(client.KeepsAll ? 0 : 1);
        if (!client.KeepsAll)
            (await orders.Client.DiscardAsync(discard, null, _none)).Refused.ShouldHaveSingleItem().Why.ShouldContain("acceptLoss");
        var discarded = await orders.Command.RunAsync("dead-letters", "discard", "--queue", Orders.Error, "--all", "--yes", "--accept-loss");
        discarded.Code.ShouldBe(0, discarded.ToString());
        var restored = await orders.Command.RunAsync("dead-letters", "restore", "--queue", "orders_discarded", "--all", "--yes");

        restored.Code.ShouldBe(0, restored.ToString());
        await orders.SeeAsync(Orders.Error, 1);
        (await LettersAsync(orders)).ShouldHaveSingleItem().Properties.Type.ShouldBe("amqp-1.0");
        Body(await client.TakeAsync(Orders.Error)).ShouldBe(Body(Complete()));
    }

    [Fact]
    public async Task Binary_id_and_annotations_show_that_a_message_with_data_comes_from_AMQP_1_0()
    {
        await using var orders = await Orders.CreateAsync();
        await using var client = await Amqp10Client.ConnectAsync(orders);
        var annotated = Data("annotated");
        annotated.MessageAnnotations = new MessageAnnotations();
        annotated.MessageAnnotations[new Symbol("x-opt-mine")] = "a1";
        await client.SendAsync(Orders.Error, annotated);
        await client.SendAsync(Orders.Error, Data("plain"));
        if (!client.KeepsAll)
        {
            // RabbitMQ 3.10.8 can't give some of these to a 0-9-1 consumer at all.
            var binary = Data("binary");
            binary.Properties.SetMessageId(new byte[] { 1, 2, 255 });
            await client.SendAsync(Orders.Error, binary);
            var uuid = Data("uuid");
            uuid.Properties.SetMessageId(Guid.Parse("11223344-5566-7788-99aa-bbccddeeff00"));
            await client.SendAsync(Orders.Error, uuid);
        }
        await orders.SeeAsync(Orders.Error, client.KeepsAll ? 2 : 4);

        var plan = await orders.Client.PlanAsync(Replay(), null, _none);

        var letters = await LettersAsync(orders);
        if (client.KeepsAll)
        {
            plan.Done.ShouldBe(2);
            letters[0].HeaderTexts.Select(header => header.Value).ShouldContain("""{"message-annotations":{"x-opt-mine":"a1"}}""");
            return;
        }
        plan.Refused.Select(refusal => refusal.Id).ShouldBe([letters[0].Id, letters[2].Id]);
        plan.Replayed.Select(replayed => replayed.Id).ShouldBe([letters[1].Id, letters[3].Id]);
        plan.Replayed[0].Verdict.Text.ShouldNotContain("AMQP 1.0"); // not recognized, although its subject is lost
        plan.Replayed[1].Verdict.Text.ShouldContain("uuid of an AMQP 1.0 client");
        letters[2].HeaderTexts.ShouldContain(new KeyValuePair<string, string>("x-message-id", "AQL/"));
        letters[3].MessageId.ShouldBe("urn:uuid:11223344-5566-7788-99aa-bbccddeeff00");
    }

    [Fact]
    public async Task Several_sections_of_data_are_shown_or_came_as_one()
    {
        await using var orders = await Orders.CreateAsync();
        await using var client = await Amqp10Client.ConnectAsync(orders);
        var sections = new DataList();
        sections.Add(new Data { Binary = "one"u8.ToArray() });
        sections.Add(new Data { Binary = "two"u8.ToArray() });
        await client.SendAsync(Orders.Error, new Message { BodySection = sections });
        await orders.SeeAsync(Orders.Error, 1);

        var letter = (await LettersAsync(orders)).Single();

        if (client.KeepsAll)
            letter.Amqp10!.Text.ShouldBe("""[{"data":"two"},{"data":"one"}]"""); // in this order to a 0-9-1 consumer
        else
            letter.BodyText.ShouldBe("onetwo");
    }

    [Fact]
    public async Task Edit_of_a_section_is_refused_with_the_reason()
    {
        await using var orders = await Orders.CreateAsync();
        await using var client = await Amqp10Client.ConnectAsync(orders);
        await client.SendAsync(Orders.Error, new Message { BodySection = new AmqpValue { Value = "hello" }, Properties = new Properties { MessageId = "value-1" } });
        await orders.SeeAsync(Orders.Error, 1);

        var plan = await orders.Client.PlanAsync(Replay() with { Edited = "{}", AcceptLoss = true }, null, _none);

        plan.Refused.ShouldHaveSingleItem().Why.ShouldContain("only JSON can be edited");
        var edit = await orders.Command.RunAsync("dead-letters", "edit", "value-1", "--queue", Orders.Error);
        edit.Code.ShouldBe(2, edit.ToString());
        edit.ToString().ShouldContain("AMQP 1.0");
    }

    private static ReplayRequest Replay() => new() { Queue = Orders.Error, Filter = DeadLetterFilter.All, By = "jane", Wait = TimeSpan.Zero };

    private static Message Complete() => new()
    {
        BodySection = new AmqpValue { Value = new Map { ["orderId"] = 4711UL, ["id"] = Guid.Empty, ["tags"] = new List { new Symbol("gift"), 1.5, true } } },
        Header = new Header { Durable = true },
        Properties = new Properties { MessageId = "value-1", To = "elsewhere", Subject = "an order", GroupId = "orders", GroupSequence = 7 },
    };

    private static Message Data(string id) => new()
    {
        BodySection = new Data { Binary = "{}"u8.ToArray() },
        Properties = new Properties { MessageId = id, Subject = "an order", ContentType = "application/json" },
    };

    // Through the broker's own dead-lettering, which loses nothing.
    private static async Task DeadLetterAsync(Orders orders, Amqp10Client client, Message message)
    {
        await orders.DeclareAsync("intake", new Dictionary<string, object?> { ["x-queue-type"] = "quorum", ["x-dead-letter-exchange"] = Orders.Error });
        await client.SendAsync("intake", message);
        var taken = await Eventually.SeeAsync(() => orders.Channel.BasicGetAsync("intake", false, _none), got => got is not null, "the message arrives");
        await orders.Channel.BasicRejectAsync(taken!.DeliveryTag, requeue: false, _none);
        await orders.SeeAsync(Orders.Error, 1);
    }

    private static string Body(Message message)
    {
        var buffer = new ByteBuffer(256, autoGrow: true);
        message.BodySection.Encode(buffer);
        return Convert.ToHexString(buffer.Buffer, buffer.Offset, buffer.Length);
    }

    private static async Task<string> ShowAsync(Orders orders, string id)
    {
        var shown = await orders.Command.RunAsync("dead-letters", "show", id, "--queue", Orders.Error, "--reveal");
        shown.Code.ShouldBe(0, shown.ToString());
        return shown.Output;
    }

    private static async Task<IReadOnlyList<DeadLetter>> LettersAsync(Orders orders) =>
        (await orders.Client.ListAsync(Orders.Error, DeadLetterFilter.All, 0, 10, "jane", _none)).Letters;
}
