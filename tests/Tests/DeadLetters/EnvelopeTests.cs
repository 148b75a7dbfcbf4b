using System.Text;
using WorkinIt.DeadLetters;

namespace WorkinIt.Tests.DeadLetters;

public sealed class EnvelopeTests
{
    [Theory]
    [InlineData("""{"message":{},"headers":{"MT-Redelivery-Count":3}}""", """{"message":{},"headers":{}}""")]
    [InlineData("""{"headers":{"MT-Redelivery-Count":3,"a":1}}""", """{"headers":{"a":1}}""")]
    [InlineData("""{"headers":{"a":1,"MT-Redelivery-Count":"3"}}""", """{"headers":{"a":1}}""")]
    [InlineData("""{"headers":{"a":1 , "MT-Redelivery-Count" : 3 , "b" : 2.50 }}""", """{"headers":{"a":1 , "b" : 2.50 }}""")]
    [InlineData("""{ "Headers": { "mt-redelivery-count": 3 } }""", """{ "Headers": {  } }""")]
    [InlineData("""{"headers":{"MT-Redelivery-Count":3,"MT-Redelivery-Count":4,"a":[{"x":1}]}}""", """{"headers":{"a":[{"x":1}]}}""")]
    [InlineData("""{"headers":{"a":{"MT-Redelivery-Count":3}}}""", """{"headers":{"a":{"MT-Redelivery-Count":3}}}""")] // nested in another header, so it is not MassTransit's
    [InlineData("""{"message":{"headers":{"MT-Redelivery-Count":3}},"headers":{}}""", """{"message":{"headers":{"MT-Redelivery-Count":3}},"headers":{}}""")]
    [InlineData("""{"message":"MT-Redelivery-Count"}""", """{"message":"MT-Redelivery-Count"}""")]
    [InlineData("""{"headers":null}""", """{"headers":null}""")]
    [InlineData("""[1,2]""", """[1,2]""")]
    [InlineData("""{"headers":{"MT-Redelivery-Count":""", """{"headers":{"MT-Redelivery-Count":""")]
    [InlineData("", "")]
    public void Redelivery_count_is_removed_from_the_envelope_and_nothing_else_changes(string before, string after) =>
        Encoding.UTF8.GetString(Envelope.WithoutRedeliveryCount(Encoding.UTF8.GetBytes(before)).Span).ShouldBe(after);

    [Theory]
    [InlineData("""{ "responseAddress" : "rabbitmq://h/a",  "message":{"responseAddress":"1"}}""", """{ "message":{"responseAddress":"1"}}""", "rabbitmq://h/a")]
    [InlineData("""{"message":{},"RESPONSEADDRESS":"rabbitmq://h/a"}""", """{"message":{}}""", "rabbitmq://h/a")]
    [InlineData("""{"message":{},"responseAddress":null}""", """{"message":{}}""", null)]
    [InlineData("""{"message":{"responseAddress":"1"}}""", """{"message":{"responseAddress":"1"}}""", null)]
    [InlineData("[", "[", null)]
    public void Response_address_is_removed_from_the_envelope_and_nothing_else_changes(string before, string after, string? address)
    {
        Encoding.UTF8.GetString(Envelope.WithoutResponseAddress(Encoding.UTF8.GetBytes(before)).Span).ShouldBe(after);
        Envelope.TextOf(Encoding.UTF8.GetBytes(before), Envelope.ResponseAddress).ShouldBe(address);
    }

    [Fact]
    public void Edited_message_replaces_the_original_and_keeps_all_other_bytes_of_the_envelope()
    {
        var body = """{ "messageId":"1", "note": {"message":0}, "message" : { "a": [1, {"b":"}"}] } , "headers":{} }""";
        Encoding.UTF8.GetString(Envelope.WithMessage(Encoding.UTF8.GetBytes(body), "application/vnd.masstransit+json; charset=utf-8", """{"für":"😀"}""").Span)
            .ShouldBe("""{ "messageId":"1", "note": {"message":0}, "message" : {"für":"😀"} , "headers":{} }""");
        Encoding.UTF8.GetString(Envelope.WithMessage(Encoding.UTF8.GetBytes(body), "application/json", "1").Span).ShouldBe("1");
        Should.Throw<DeadLetterException>(() => Envelope.WithMessage("{}"u8.ToArray(), "application/vnd.masstransit+json", "1"));
    }

    [Theory]
    [InlineData("""{"a":"\ud83d\ude00"}""", "😀")]
    [InlineData("""{"a":"\\ud83d\\ude00"}""", """\\ud83d\\ude00""")] // a literal backslash and letters, not an escape
    [InlineData("""{"a":"\ud83d"}""", "ud83d")]
    public void Escaped_characters_in_JSON_are_shown_decoded(string json, string shown) => Envelope.Readable(json).ShouldContain(shown, Case.Insensitive);

    [Theory]
    [InlineData("""{"messageType":["urn:message:A:B","urn:message:A:IB"]}""", 2)]
    [InlineData("""{"messageType":"urn:message:A:B"}""", 1)]
    [InlineData("""{"messageType":[[1],{"a":"b"},null]}""", 0)]
    [InlineData("{", 0)]
    public void Message_types_are_read_from_any_envelope_without_an_error(string body, int count) => Envelope.MessageTypes(Encoding.UTF8.GetBytes(body)).Count.ShouldBe(count);
}
