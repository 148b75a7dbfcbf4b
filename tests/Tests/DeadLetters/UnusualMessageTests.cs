using System.Text;
using System.Text.Json;
using RabbitMQ.Client;
using WorkinIt.DeadLetters;

namespace WorkinIt.Tests.DeadLetters;

/// <summary>Content that another program may put into a message. Such a message must not hide the others, or keep an operator from removing it.</summary>
public sealed class UnusualMessageTests
{
    public static TheoryData<string, string> Bodies => new()
    {
        { "unpaired surrogate in a value", """{"messageType":["urn:message:A:B"],"message":{"email":"jane@example.com","thought":"ab\ud83d"}}""" },
        { "unpaired surrogate in a member name", """{"messageType":["urn:message:A:B"],"message":{"email":"jane@example.com","ab\ud83d":1},"ab\ud83d":1}""" },
        { "unpaired surrogate in a message type", """{"messageType":["urn:message:A:\ud83d"],"message":{"email":"jane@example.com"}}""" },
        { "duplicate member name", """{"messageType":["urn:message:A:B"],"message":{"email":"jane@example.com","email":"jane@example.com"}}""" },
        { "nested deeper than 64 levels", $$$"""{"messageType":["urn:message:A:B"],"message":{"email":"jane@example.com","deep":{{{string.Concat(Enumerable.Repeat("[", 100))}}}{{{string.Concat(Enumerable.Repeat("]", 100))}}}}}""" },
    };

    [Theory]
    [MemberData(nameof(Bodies))]
    public void Message_with_an_unusual_body_is_read_masked_searched_and_exported(string description, string body)
    {
        var letter = Letter(new BasicProperties { ContentType = "application/vnd.masstransit+json" }, body);

        letter.Unreadable.ShouldBeNull(description);
        letter.MessageTypes.Count.ShouldBe(1);
        letter.MessageJson.ShouldNotBeNull().ShouldContain("jane@example.com");
        letter.Contains("jane\\u0040").ShouldBeFalse();
        letter.Contains("JANE@example").ShouldBeTrue();
        Masking.Json(letter.MessageJson).ShouldNotContain("jane");
        Masking.Body(letter.BodyText!, isEnvelope: true).ShouldNotContain("jane");
        using var buffer = new MemoryStream();
        using (var writer = new Utf8JsonWriter(buffer))
            letter.Write(writer);
        using var exported = JsonDocument.Parse(buffer.ToArray(), new JsonDocumentOptions { MaxDepth = 300 });
        Encoding.UTF8.GetString(exported.RootElement.GetProperty("body").GetBytesFromBase64()).ShouldBe(body);
    }

    [Theory]
    [InlineData(1_764_000_000_000, "1764000000000")] // milliseconds by mistake
    [InlineData(long.MaxValue, "9223372036854775807")]
    [InlineData(long.MinValue, "-9223372036854775808")]
    [InlineData(1_764_000_000, "2025-11-24 16:00:00Z")]
    public void AMQP_timestamp_of_any_value_is_shown_without_an_error(long time, string shown)
    {
        var stamp = new AmqpTimestamp(time);
        var death = new Dictionary<string, object?> { ["reason"] = "expired"u8.ToArray(), ["time"] = stamp };
        var letter = Letter(
            new BasicProperties { Timestamp = stamp, Headers = new Dictionary<string, object?> { ["made"] = stamp, ["x-death"] = new List<object?> { death } } }, "{}");

        letter.Header("made").ShouldBe(shown);
        letter.Timestamp.ShouldBe(shown);
        (letter.FailedAt is null).ShouldBe(!shown.EndsWith('Z'));
    }

    private static DeadLetter Letter(BasicProperties properties, string body)
    {
        var bytes = Encoding.UTF8.GetBytes(body);
        return new DeadLetter("some_error", 1, 0, properties, bytes, DeadLetterJson.HashOf(properties, bytes));
    }
}
