using System.Text;
using System.Text.Json;
using RabbitMQ.Client;
using WorkinIt.Cli.DeadLetters.Testing;
using WorkinIt.DeadLetters;
using WorkinIt.Testbed;

namespace WorkinIt.Tests.DeadLetters;

/// <summary>The source of the tests that <c>workinit dead-letters test</c> writes.</summary>
public sealed class LetterTestTests
{
    [Theory]
    [InlineData("Shop.Orders.PlaceOrderConsumer", "global::Shop.Orders.PlaceOrderConsumer")]
    [InlineData("PlaceOrder", "global::PlaceOrder")]
    [InlineData("Shop.Outer+Middle+Inner", "global::Shop.Outer.Middle.Inner")]
    [InlineData("Shop.Consumer<Order,Other.Item,Outer+Inner>", "global::Shop.Consumer<global::Shop.Order, global::Other.Item, global::Shop.Outer.Inner>")]
    [InlineData("MassTransit.Fault<Shop.Changed<Order>>", "global::MassTransit.Fault<global::Shop.Changed<global::Shop.Order>>")]
    [InlineData("Shop.Consumer<System.String[]>", "global::Shop.Consumer<global::System.String[]>")]
    [InlineData("Shop.class.Größe", "global::Shop.@class.Größe")]
    [InlineData("Shop.Orders:PlaceOrder", "global::Shop.Orders.PlaceOrder")]
    [InlineData("Shop.Orders:Outer+Inner", "global::Shop.Orders.Outer.Inner")]
    [InlineData("Shop:Changed[[Shop:Order],[Other:Pair[[Shop:Order],[Shop:Item]]]]", "global::Shop.Changed<global::Shop.Order, global::Other.Pair<global::Shop.Order, global::Shop.Item>>")]
    [InlineData("Changed[[Order]]", "global::Changed<global::Order>")]
    public void Type_in_a_header_or_URN_has_a_name_in_CSharp(string name, string expected) => TypeName.InCSharp(name).ShouldBe(expected);

    [Theory]
    [InlineData("")]
    [InlineData("Shop.Outer<>+Inner<Order>")] // nested in a generic type: MassTransit does not write the arguments of the outer one
    [InlineData("Shop.<>c__DisplayClass0")]
    [InlineData("Shop.Orders+List`1[]")]
    [InlineData("Shop.Order; System.IO.File.Delete(\"x\")")]
    [InlineData("Shop.Order<Item")]
    [InlineData("Shop.Order>")]
    [InlineData("Shop..Order")]
    [InlineData("Shop.Or\u202eder")]
    [InlineData("Shop:place-order")]
    public void Text_that_is_no_type_of_CSharp_has_none(string name) => TypeName.InCSharp(name).ShouldBeNull();

    [Theory]
    [InlineData("amount", "1234.50", "1111.11")]
    [InlineData("amount", "\"1234.50\"", "\"1111.11\"")]
    [InlineData("big", "9223372036854775807", "1111111111111111111")]
    [InlineData("temperature", "-12.5e-3", "-11.1e-1")]
    [InlineData("discount", "0", "0")]
    [InlineData("discount", "0.00", "0.00")]
    [InlineData("dateOfBirth", "\"1980-01-31\"", "\"1111-11-11\"")]
    [InlineData("birth", "\"1980-01-31T23:59:59.9+05:30\"", "\"1111-11-11T11:11:11.1+11:11\"")]
    [InlineData("name", "\"Jane Doe-Ö 2\"", "\"Xxxx Xxx-X 1\"")]
    [InlineData("email", "\"jane.doe@example.com\"", "\"xxxx.xxx@xxxxxxx.xxx\"")]
    [InlineData("link", "\"https://shop.example/jane?id=1\"", "\"https://xxxx.xxxxxxx/xxxx?xx=1\"")]
    [InlineData("photo", "\"SGVsbG8=\"", "\"XXXxxX1=\"")]
    [InlineData("note", "\"😀\"", "\"xx\"")]
    [InlineData("customerId", "\"0199c4f0-0000-7000-8000-000000000001\"", "\"0199c4f0-0000-7000-8000-000000000001\"")]
    [InlineData("status", "\"Pending\"", "\"Pending\"")]
    [InlineData("isGift", "true", "true")]
    [InlineData("note", "null", "null")]
    [InlineData("note", "\"\"", "\"\"")]
    public void Masked_value_keeps_its_type(string name, string value, string expected)
    {
        var test = Write(new FailedLetter { Message = $$$"""{"{{{name}}}":{{{value}}},"deep":[{"{{{name}}}":[{{{value}}}]}]}""" });
        var message = MessageIn(test);
        message.GetProperty(name).GetRawText().ShouldBe(expected);
        message.GetProperty("deep")[0].GetProperty(name)[0].GetRawText().ShouldBe(expected);
        (test.Contains($"//   {name}\n", StringComparison.Ordinal), test.Contains($"//   deep[].{name}[]\n", StringComparison.Ordinal)).ShouldBe((value != expected, value != expected));
        MessageIn(Write(new FailedLetter { Message = $$$"""{"{{{name}}}":{{{value}}}}""" }, reveal: true)).GetProperty(name).GetRawText().ShouldBe(value);
    }

    [Fact]
    public void Masked_test_contains_no_personal_data_from_any_place_and_names_the_masked_places()
    {
        var letter = new FailedLetter
        {
            Reason = "jane@example.com is unknown",
            Message = """{"jane@example.com":true,"+49301234567":{"name":"jane"},"items":[{"text":"Jane"},{"text":"Jane again"}]}""",
            Headers = new Dictionary<string, string> { ["X-Customer"] = "Jane Doe" },
        };
        var test = Write(letter);
        test.ShouldNotContain("jane", Case.Insensitive);
        test.ShouldNotContain("301234567");
        foreach (var path in new[] { "xxxx@xxxxxxx.xxx (the name)", "+11111111111 (the name)", "+11111111111.name", "items[].text", "header X-Customer" })
            test.ShouldContain($"//   {path}\n");
        MessageIn(test).GetProperty("items")[1].GetProperty("text").GetString().ShouldBe("Xxxx xxxxx");

        Write(letter, reveal: true).ShouldSatisfyAllConditions(
            it => it.ShouldContain("jane@example.com is unknown"), it => it.ShouldContain("context.Headers.Set(\"X-Customer\", \"Jane Doe\");"), it => it.ShouldNotContain("Masked"));
    }

    [Fact]
    public void Text_of_a_message_can_not_end_the_literal_or_the_comment_that_it_is_in()
    {
        var nasty = "\"\"\"\"; */ // \\\" {x} $\" \r\n}} public class Evil {\u0085\u2028\u2029\u202e\u0007\ud83d \ud83d\ude00";
        var escaped = JsonSerializer.Serialize(nasty.Replace("\ud83d ", "", StringComparison.Ordinal)); // the serializer writes no half surrogate pair
        var letter = new FailedLetter
        {
            Reason = nasty,
            Message = $$$"""{"text":{{{escaped}}},"half":"ab\ud83d \"\"\" end","":"\"\"\"",{{{escaped}}}:1}""",
            Headers = new Dictionary<string, string> { [$"X {nasty}"] = nasty },
        };
        foreach (var reveal in new[] { false, true })
        {
            var test = Write(letter, reveal);
            // C# ends a line at any of these, so that text would leave its comment.
            test.ShouldNotContain('\r');
            test.IndexOfAny(['\u0085', '\u2028', '\u2029', '\u202e', '\u0007']).ShouldBe(-1);
            test.Where((c, i) => char.IsHighSurrogate(c) && !char.IsLowSurrogate(test[i + 1])).ShouldBeEmpty();
            test.Split('\n').Where(line => line.Contains("public class", StringComparison.Ordinal)).ShouldAllBe(line => line.StartsWith("// ", StringComparison.Ordinal) || line.TrimStart().StartsWith('"') || line.Contains("context.Headers.Set(\"", StringComparison.Ordinal));
            string.Join('\n', test.Split('\n').Where(line => !line.StartsWith("//", StringComparison.Ordinal))).Split("\"\"\"").Length.ShouldBe(3); // one raw literal
        }
        MessageIn(Write(letter, reveal: true)).GetProperty("text").GetString().ShouldBe(nasty.Replace("\ud83d ", "", StringComparison.Ordinal));
    }

    [Fact]
    public void Test_sets_the_ids_and_the_headers_of_the_application_with_their_types_and_none_of_MassTransit_the_broker_or_a_replay()
    {
        var (message, conversation, request) = (Guid.NewGuid(), Guid.NewGuid(), Guid.NewGuid());
        var test = LetterTest.Write(Letter($$$"""
            {"messageId":"{{{message}}}","conversationId":"{{{conversation}}}","requestId":"{{{request}}}","correlationId":"no guid","responseAddress":"rabbitmq://prod/bus-1",
             "messageType":["urn:message:Shop:Order"],"message":{},
             "headers":{"Tenant":"bl\"ue","Shard":42,"Ratio":0.5,"IsTest":true,"Nothing":null,"Route":{"to":["a"]},"MT-Redelivery-Count":2}}
            """, new Dictionary<string, object?>
        {
            ["Tenant"] = "other"u8.ToArray(),
            ["Only-Amqp"] = 7L,
            ["List"] = new List<object?> { 1 },
            ["Replay-Id"] = "1.1"u8.ToArray(),
            ["x-death"] = new List<object?>(),
            ["MT-Activity-Id"] = "00-1"u8.ToArray(),
        }), reveal: true, "Shop.Tests");

        test.Split('\n').Select(line => line.Trim()).Where(line => line.StartsWith("context.", StringComparison.Ordinal)).ShouldBe(
        [
            $"context.MessageId = new Guid(\"{message}\");", $"context.ConversationId = new Guid(\"{conversation}\");", $"context.RequestId = new Guid(\"{request}\");",
            "context.ResponseAddress = harness.Bus.Address; // not the real one",
            "context.Headers.Set(\"Tenant\", \"bl\\\"ue\");", "context.Headers.Set(\"Shard\", 42L);", "context.Headers.Set(\"Ratio\", 0.5d);", "context.Headers.Set(\"IsTest\", true);",
            "context.Headers.Set(\"Route\", JsonSerializer.Deserialize<JsonElement>(\"{\\u000a  \\\"to\\\": [\\u000a    \\\"a\\\"\\u000a  ]\\u000a}\"));",
            "context.Headers.Set(\"Only-Amqp\", 7L);",
        ]);
        test.ShouldContain("can't set a header of that type: Nothing, List\n");
        test.ShouldContain("\nnamespace Shop.Tests;\n");
    }

    [Fact]
    public void Batch_consumer_is_found_in_the_stack_trace()
    {
        var letter = new FailedLetter
        {
            Consumer = "MassTransit.Batching.BatchConsumer<Shop.Orders.PlaceOrder>",
            Stack = "   at Shop.Prices.Get()\n   at Shop.Orders.BatchOfOrders.Consume(ConsumeContext`1 context) in /_/Shop/Batch.cs:line 12\n   at MassTransit.Middleware.MethodConsumerMessageFilter`2.Send()",
        };
        Write(letter).ShouldSatisfyAllConditions(it => it.ShouldContain("bus.AddConsumer<global::Shop.Orders.BatchOfOrders>();"), it => it.ShouldContain("a batch of this one message"));
        Problem(letter with { Stack = "   at Shop.Prices.Get()" }).ShouldContain("neither a header nor the stack trace names that consumer");
    }

    [Theory]
    [InlineData("MassTransit.MessageHandler<Shop.Order>", "   at Shop.Program.Main()", "System.TimeoutException", "Shop:Order", "a delegate in the configuration of the bus")]
    [InlineData("Shop.OrderState", "   at Shop.OrderMachine.<>c.<.ctor>b__0()\n   at MassTransit.SagaStateMachine.ActionActivity`1.Execute()", "System.TimeoutException", "Shop:Order", "it failed in a saga (Shop.OrderState)")]
    [InlineData("Shop.OrderState", "   at Shop.Program.Main()", "MassTransit.UnhandledEventException", "Shop:Order", "it failed in a saga (Shop.OrderState)")]
    [InlineData("Shop.ChargeActivity", "   at Shop.Program.Main()", "System.TimeoutException", "MassTransit.Courier.Contracts:RoutingSlip", "it is a routing slip")]
    [InlineData("Shop.Outer<>+Inner<Order>", "   at Shop.Program.Main()", "System.TimeoutException", "Shop:Order", "C# has no name for the consumer")]
    [InlineData("Shop.OrderConsumer", "   at Shop.Program.Main()", "System.TimeoutException", "place-order", "[MessageUrn]")]
    [InlineData(null, "   at Shop.Program.Main()", "System.Runtime.Serialization.SerializationException", "Shop:Order", "no consumer was called")]
    public void Letter_without_a_consumer_that_a_test_can_name_is_refused_with_the_reason(string? consumer, string stack, string exception, string type, string why) =>
        Problem(new FailedLetter { Consumer = consumer, Stack = stack, Exception = exception, Type = type }).ShouldContain(why);

    [Fact]
    public void Skipped_expired_and_encrypted_messages_are_refused_and_raw_JSON_that_a_consumer_read_is_not()
    {
        Problem(Letter("{}", new Dictionary<string, object?> { ["MT-Reason"] = "dead-letter" })).ShouldContain("it was skipped");
        Problem(Letter("{}", new Dictionary<string, object?> { ["x-death"] = new List<object?> { new Dictionary<string, object?> { ["reason"] = "expired" } } })).ShouldContain("the broker dead-lettered it (expired)");
        var read = new Dictionary<string, object?> { ["MT-Fault-ConsumerType"] = "Shop.OrderConsumer", ["MT-Fault-MessageType"] = "Shop.Order", ["MT-Fault-ExceptionType"] = "System.Exception", ["Tenant"] = "blue" };
        Problem(Letter("\u0001\u0002", read, "application/vnd.masstransit+aes")).ShouldContain("not JSON");
        var test = LetterTest.Write(Letter("""{"orderId":4711}""", read, "application/json"), reveal: true, "Tests");
        test.ShouldSatisfyAllConditions(it => it.ShouldContain("Deserialize<global::Shop.Order>"), it => it.ShouldContain("context.Headers.Set(\"Tenant\", \"blue\");"));
        MessageIn(test).GetProperty("orderId").GetInt32().ShouldBe(4711);
    }

    private static string Write(FailedLetter letter, bool reveal = false) => LetterTest.Write(letter.Build(), reveal, "DeadLetterTests");

    private static string Problem(FailedLetter letter) => Problem(letter.Build());

    private static string Problem(DeadLetter letter) => Should.Throw<DeadLetterException>(() => LetterTest.Write(letter, reveal: false, "DeadLetterTests")).Message;

    // What C# reads between the lines with three quotes.
    private static JsonElement MessageIn(string test)
    {
        var lines = test.Split('\n').SkipWhile(line => !line.Contains("const string Json = \"\"\"", StringComparison.Ordinal)).Skip(1).TakeWhile(line => line.Trim() != "\"\"\";").ToList();
        lines.ShouldAllBe(line => line.StartsWith("        ", StringComparison.Ordinal));
        return JsonDocument.Parse(string.Join('\n', lines.Select(line => line[8..]))).RootElement;
    }

    private static DeadLetter Letter(string body, Dictionary<string, object?> headers, string contentType = "application/vnd.masstransit+json")
    {
        if (contentType.EndsWith("masstransit+json", StringComparison.Ordinal) && body != "{}")
            (headers["MT-Fault-ConsumerType"], headers["MT-Fault-ExceptionType"]) = ("Shop.OrderConsumer", "System.Exception");
        var bytes = Encoding.UTF8.GetBytes(body);
        var properties = new BasicProperties { ContentType = contentType, Headers = headers };
        return new DeadLetter("orders_error", 1, 0, properties, bytes, DeadLetterJson.HashOf(properties, bytes));
    }
}
