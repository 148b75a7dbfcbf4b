using System.Text;
using System.Text.Json;
using RabbitMQ.Client;
using WorkinIt.DeadLetters;
using WorkinIt.DeadLetters.Dashboard.Shared;

namespace WorkinIt.Tests.DeadLetters;

/// <summary>The masked view that pages, commands and the API share.</summary>
public sealed class MaskingTests
{
    private const string Envelope = "application/vnd.masstransit+json";

    [Theory]
    [InlineData("0199c4f0-0000-7000-8000-000000000001", "0199c4f0-0000-7000-8000-000000000001")]
    [InlineData("jane@example.com", "0123456789abcdef")]
    [InlineData(null, "0123456789abcdef")]
    public void Page_names_a_message_by_its_MessageId_unless_that_may_be_personal_data(string? messageId, string shown) =>
        Format.IdOf(messageId, "0123456789abcdef").ShouldBe(shown);

    [Theory]
    [InlineData("paymentCardNumber", "\"4111111111111111\"")]
    [InlineData("paymentCardNumber", "4111111111111111")]
    [InlineData("orderId", "4111111111111111")]
    [InlineData("phone", "\"0301234567\"")]
    [InlineData("phone", "\"+49 30 1234567\"")]
    [InlineData("phone", "49301234567")]
    [InlineData("amount", "1234.56")]
    [InlineData("taxId", "\"12345\"")]
    [InlineData("dateOfBirth", "\"1980-01-31\"")]
    [InlineData("name", "\"Jane\"")]
    [InlineData("status", "\"Jane was here\"")]
    [InlineData("emailAddress", "\"jane@example.com\"")]
    [InlineData("note", "\"42\"")]
    public void Masking_hides_a_value_that_may_be_personal_at_any_depth(string name, string value)
    {
        var masked = Masking.Json($$$"""{"{{{name}}}":{{{value}}},"list":[{"{{{name}}}":{{{value}}}}],"deep":{"{{{name}}}":{{{value}}}}}""");
        masked.ShouldNotContain(value.Trim('"'));
        JsonDocument.Parse(masked).RootElement.GetProperty(name).GetString()!.ShouldContain("…");
    }

    [Theory]
    [InlineData("orderId", "4711")]
    [InlineData("OrderId", "\"ORD-2291\"")]
    [InlineData("id", "\"0199c4f0-0000-7000-8000-000000000001\"")]
    [InlineData("trace", "\"0af7651916cd43dd8448eb211c80319c\"")]
    [InlineData("status", "\"Pending\"")]
    [InlineData("currency", "\"EUR\"")]
    [InlineData("apiVersion", "\"v1.2\"")]
    [InlineData("retryCount", "3")]
    [InlineData("isGift", "true")]
    [InlineData("note", "null")]
    [InlineData("sentAt", "\"2026-01-02T03:04:05Z\"")]
    public void Masking_shows_harmless_values_that_distinguish_messages(string name, string value) =>
        Masking.Json($$"""{"{{name}}":{{value}}}""").ShouldContain($"\"{name}\": {value}");

    [Fact]
    public void Masking_hides_JSON_keys_that_contain_personal_data() =>
        Masking.Json("""{"jane@example.com":true,"Jane Doe":true,"+49301234567":true}""").ShouldSatisfyAllConditions(
            it => it.ShouldNotContain("jane@"), it => it.ShouldNotContain("Doe"), it => it.ShouldNotContain("301234567"));

    [Fact]
    public void Masked_routing_slip_shows_its_activities_and_hides_their_arguments()
    {
        var body = """
            {"messageId":"0199c4f0-0000-7000-8000-000000000001","messageType":["urn:message:MassTransit.Courier.Contracts:RoutingSlip"],"destinationAddress":"rabbitmq://localhost/charge_execute",
             "message":{"trackingNumber":"0199c4f0-0000-7000-8000-000000000002","createTimestamp":"2026-01-02T03:04:05Z",
               "itinerary":[{"name":"ChargeCard","address":"rabbitmq://localhost/charge_execute","arguments":{"card":"4111111111111111","name":"Jane"}}],
               "activityExceptions":[{"name":"ChargeCard","host":{"machineName":"shop-1"},"exceptionInfo":{"exceptionType":"Shop.Declined","message":"jane@example.com declined"}}],
               "variables":{"customer":"Jane"}},
             "host":{"machineName":"shop-2"},"headers":{"X-Customer":"Jane"}}
            """;
        var letter = Letter(new BasicProperties { ContentType = Envelope }, body);
        foreach (var text in new[] { new LetterView(letter, false).Message!.Text, new LetterView(letter, false).Body!.Text })
        {
            foreach (var shown in new[] { "ChargeCard", "rabbitmq://localhost/charge_execute", "0199c4f0-0000-7000-8000-000000000002", "shop-1", "Shop.Declined" })
                text.ShouldContain(shown);
            foreach (var hidden in new[] { "Jane", "jane@", "4111111111111111" })
                text.ShouldNotContain(hidden);
        }
        new LetterView(letter, false).Body!.Text.ShouldContain("shop-2");
    }

    [Fact]
    public void Masked_JSON_of_a_dead_letter_contains_no_personal_data_from_any_field()
    {
        var letter = Letter(new BasicProperties
        {
            ContentType = Envelope,
            MessageId = "jane@example.com",
            CorrelationId = "Jane Doe",
            ReplyTo = "jane",
            AppId = "Jane's phone",
            Type = "for jane",
            Headers = new Dictionary<string, object?>
            {
                ["X-Customer"] = "Jane"u8.ToArray(),
                ["x-customer"] = "Jane"u8.ToArray(),
                ["MT-Fault-ExceptionType"] = "System.TimeoutException"u8.ToArray(),
                ["MT-Fault-Message"] = "\"jane doe\"@example.com, card 4111 1111 1111 1111, phone +49 30 1234567"u8.ToArray(),
                ["MT-Fault-StackTrace"] = "   at jane@example.com"u8.ToArray(),
                ["list"] = new List<object?> { "Jane"u8.ToArray() },
            },
        }, """{"messageType":["urn:message:A:B"],"message":{"to":"Jane","n":12345}}""");
        using var buffer = new MemoryStream();
        using (var writer = new Utf8JsonWriter(buffer))
            new LetterView(letter, false).Write(writer);
        var json = Encoding.UTF8.GetString(buffer.ToArray());
        foreach (var hidden in new[] { "jane", "4111", "1234567", "12345" })
            json.ShouldNotContain(hidden, Case.Insensitive);
        json.ShouldNotContain("\n");
        JsonDocument.Parse(json).RootElement.GetProperty("headers").GetProperty("MT-Fault-ExceptionType").GetString().ShouldBe("System.TimeoutException");
    }

    [Fact]
    public void Masked_view_of_a_large_body_is_truncated_and_allocates_less_than_the_body_size()
    {
        var body = $$$"""{"messageType":["urn:message:A:B"],"message":{"numbers":[{{{string.Join(',', Enumerable.Repeat(1, 4_000_000))}}}]}}""";
        var bytes = Encoding.UTF8.GetBytes(body);
        foreach (var revealed in new[] { false, true })
        {
            var letter = new DeadLetter("some_error", 1, 0, new BasicProperties { ContentType = Envelope }, bytes, 0);
            var before = GC.GetAllocatedBytesForCurrentThread();
            var view = new LetterView(letter, revealed);
            var (message, bodyView) = (view.Message!, view.Body!);
            (GC.GetAllocatedBytesForCurrentThread() - before).ShouldBeLessThan(bytes.Length); // a DOM of the body took 130 times as much
            (message.IsCut, message.Text.Length).ShouldBe((true, LetterView.MostShown));
            bodyView.IsCut.ShouldBeTrue();
        }
    }

    private static DeadLetter Letter(BasicProperties properties, string body) => new("some_error", 1, 0, properties, Encoding.UTF8.GetBytes(body), 0);
}
