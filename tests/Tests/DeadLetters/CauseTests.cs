using System.Text;
using RabbitMQ.Client;
using WorkinIt.DeadLetters;

namespace WorkinIt.Tests.DeadLetters;

public sealed class CauseTests
{
    private const string Stack = """
           at System.Net.Http.HttpClient.SendAsync(HttpRequestMessage request)
           at Npgsql.Internal.NpgsqlConnector.Open()
        --- End of stack trace from previous location ---
           at Shop.Orders.OrderStore.Save(Order order) in /src/Shop/OrderStore.cs:line 42
           at Shop.Orders.PlaceOrderConsumer.Consume(ConsumeContext`1 context) in /src/Shop/PlaceOrderConsumer.cs:line 12
        """;

    [Fact]
    public void Dead_letters_thrown_at_one_place_share_a_cause_whatever_their_message_text()
    {
        var letters = Enumerable.Range(0, 103).Select(i => Fault("System.InvalidOperationException", $"No {Word(i)} in the {Word(i + 7)}", Stack)).ToList();
        letters.Select(letter => letter.Cause.Id).Distinct().ShouldHaveSingleItem();
        letters[0].Cause.Frame.ShouldBe("Shop.Orders.OrderStore.Save, line 42");

        var tally = new CauseTally(letters[0]);
        letters.ForEach(tally.Add);
        tally.Add(letters[5]);
        var group = tally.ToGroup();
        group.Count.ShouldBe(104);
        group.Variants.Count.ShouldBe(CauseGroup.MostVariants);
        (group.Variants.Sum(variant => variant.Count) + group.OtherVariants).ShouldBe(104);
        group.Variants[0].ShouldBe(new CauseVariant(letters[5].Cause.Text, 2, letters[5].Cause.VariantId));
        var filter = DeadLetterFilter.Parse([$"cause={group.Variants[0].Id}"]);
        letters.Count(filter.Matches).ShouldBe(1);
        group.Cause.Text.ShouldBe(letters[5].Cause.Text);
    }

    [Fact]
    public void Different_throw_locations_or_exception_types_are_different_causes()
    {
        var one = Fault("System.InvalidOperationException", "No", Stack).Cause;
        Fault("System.InvalidOperationException", "No", Stack.Replace("line 42", "line 43", StringComparison.Ordinal)).Cause.Id.ShouldNotBe(one.Id);
        Fault("System.TimeoutException", "No", Stack).Cause.Id.ShouldNotBe(one.Id);
    }

    [Theory]
    [InlineData(null)]
    [InlineData("   at System.Net.Http.HttpClient.SendAsync(HttpRequestMessage request)\n   at MassTransit.Middleware.Filter.Send()")]
    public void Cause_is_the_message_template_when_no_stack_frame_belongs_to_the_application(string? stack)
    {
        var one = Fault("A.B", "Order \"seven red roses\" of jane.o'neill@example.com took 12 ms", stack).Cause;
        one.Id.ShouldBe(Fault("A.B", "Order \"two 2\" of \"jo hn\"@example.org took 1,300 ms", stack).Cause.Id);
        one.Text.ShouldBe("Order \"{text}\" of {address} took {n} ms");
        Fault("A.B", "Out of stock", stack).Cause.Id.ShouldNotBe(one.Id);
    }

    [Fact]
    public void All_unreadable_messages_share_one_cause()
    {
        DeadLetter[] letters =
        [
            Letter([], "{", null),
            Letter([], "<xml/>", "text/plain"),
            Letter(Headers("System.Runtime.Serialization.SerializationException", "Invalid at $.number", null), """{"messageType":[],"message":{}}""", "application/vnd.masstransit+json"),
            Letter(Headers("System.Text.Json.JsonException", "'x' is an invalid start", null), "xyz", "application/vnd.masstransit+json"),
        ];
        letters.Select(letter => letter.Cause.Id).Distinct().ShouldHaveSingleItem();
        var readable = Headers("A.B", "Out of stock", null);
        readable["MT-Fault-ConsumerType"] = "Shop.Consumer";
        Letter(readable, "raw", "text/plain").Cause.Id.ShouldNotBe(letters[0].Cause.Id);
    }

    [Fact]
    public void Cache_of_cause_texts_is_limited_by_size_and_not_by_entry_count()
    {
        var before = GC.GetTotalMemory(forceFullCollection: true);
        for (var i = 0; i < 2500; i++)
            CauseText.Of(i + new string('x', 30_000)).Length.ShouldBeLessThan(310);
        (GC.GetTotalMemory(forceFullCollection: true) - before).ShouldBeLessThan(16 * 1024 * 1024);
    }

    private static string Word(int number) => string.Concat($"{number:D3}".Select(digit => (char)('a' + digit - '0')));

    private static DeadLetter Fault(string exception, string reason, string? stack) =>
        Letter(Headers(exception, reason, stack), """{"messageType":["urn:message:A:B"],"message":{}}""", "application/vnd.masstransit+json");

    private static Dictionary<string, object?> Headers(string exception, string reason, string? stack)
    {
        var headers = new Dictionary<string, object?> { ["MT-Reason"] = "fault", ["MT-Fault-ExceptionType"] = exception, ["MT-Fault-Message"] = reason };
        if (stack is not null)
            headers["MT-Fault-StackTrace"] = stack;
        return headers;
    }

    private static DeadLetter Letter(Dictionary<string, object?> headers, string body, string? contentType)
    {
        var properties = new BasicProperties { Headers = headers };
        if (contentType is not null)
            properties.ContentType = contentType;
        return new DeadLetter("some_error", 1, 0, properties, Encoding.UTF8.GetBytes(body), 0);
    }
}
