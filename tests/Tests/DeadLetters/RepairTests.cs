using System.Text;
using RabbitMQ.Client;
using WorkinIt.DeadLetters;

namespace WorkinIt.Tests.DeadLetters;

/// <summary>A patch on one dead letter: what of it changes, and when it stays as it is.</summary>
public sealed class RepairTests
{
    private const string Envelope = "application/vnd.masstransit+json";

    [Theory]
    [InlineData("""{ "messageId":"1", "message" : { "a": 1.50 , "b":2 } , "headers":{} }""", """{ "messageId":"1", "message" : { "a": 1.50 , "b":3 } , "headers":{} }""")]
    [InlineData("""{ "note":{"message":{"b":1}}, "MESSAGE":{"b":2}}""", """{ "note":{"message":{"b":1}}, "MESSAGE":{"b":3}}""")]
    [InlineData("\uFEFF{\"message\":{\"b\":2}}", "\uFEFF{\"message\":{\"b\":3}}")]
    public void Repair_changes_the_message_in_the_envelope_and_nothing_else(string body, string repaired)
    {
        var letter = Letter(body, consumer: "Orders.PlaceOrderConsumer");
        var result = Repair("""[{"op":"replace","path":"/b","value":3}]""").Apply(letter);
        result.Problem.ShouldBeNull();
        Encoding.UTF8.GetString(result.Letter.Body.Span).ShouldBe(repaired);
        (result.Letter.Id, result.Letter.MessageId, result.Letter.Position).ShouldBe((letter.Id, letter.MessageId, letter.Position));
        result.Letter.Properties.ShouldBeSameAs(letter.Properties);
    }

    [Fact]
    public void Body_without_an_envelope_is_the_message() =>
        Encoding.UTF8.GetString(Repair("""[{"op":"add","path":"/b","value":3}]""").Apply(Letter("""{"a":1}""", "application/json")).Letter.Body.Span).ShouldBe("""{"a":1,"b":3}""");

    [Theory]
    [InlineData("""{"message":{"b":3}}""", """{"op":"replace","path":"/b","value":3}""", "the patch changes nothing")]
    [InlineData("""{"message":{"b":[3, 4]}}""", """{"op":"replace","path":"/b","value":[3,4]}""", "the patch changes nothing")]
    [InlineData("""{"message":{"b":3}}""", """{"op":"test","path":"/b","value":3}""", "the patch changes nothing")]
    [InlineData("""{"message":{"b":3}}""", """{"op":"test","path":"/b","value":4}""", "operation 1 (test /b): /b has another value")]
    [InlineData("""{"message":{}}""", """{"op":"remove","path":"/b"}""", "operation 1 (remove /b): /b is missing")]
    [InlineData("""{"message":null}""", """{"op":"add","path":"/b","value":1}""", "operation 1 (add /b): the message is neither an object nor an array")]
    public void Message_that_the_patch_does_not_apply_to_or_does_not_change_is_refused_with_the_reason(string body, string operation, string problem)
    {
        var letter = Letter(body);
        var result = Repair($"[{operation}]").Apply(letter);
        result.Problem.ShouldBe(problem);
        result.Letter.ShouldBeSameAs(letter);
    }

    [Theory]
    [InlineData("{", Envelope)]
    [InlineData("""{"headers":{}}""", Envelope)]
    [InlineData("""{"b":1}""", "text/plain")]
    public void Unreadable_letter_is_left_to_the_refusal_that_says_so(string body, string contentType)
    {
        var letter = Letter(body, contentType);
        letter.Unreadable.ShouldNotBeNull();
        Repair("""[{"op":"add","path":"/b","value":3}]""").Apply(letter).ShouldBe(new Repaired(letter, null));
    }

    [Fact]
    public void Body_that_is_not_JSON_in_UTF_8_is_refused()
    {
        var repair = Repair("""[{"op":"add","path":"/b","value":3}]""");
        repair.Apply(Letter("<message/>", "application/xml")).Problem.ShouldBe("only JSON can be repaired, and its body contains none");
        byte[] latin = [.. "{\"message\":{\"a\":\""u8, 0xfc, .. "\"}}"u8];
        repair.Apply(new DeadLetter("q", 1, 0, new BasicProperties { ContentType = Envelope }, latin, 1)).Problem.ShouldBe("its JSON is not valid UTF-8");
    }

    [Fact]
    public void Message_that_fits_alone_and_is_too_deep_inside_its_envelope_is_refused()
    {
        var repair = Repair($$"""[{"op":"add","path":"/a/-","value":{{new string('[', 254)}}{{new string(']', 254)}}}]""");
        repair.Apply(Letter("""{"a":[]}""", "application/json")).Problem.ShouldBeNull();
        repair.Apply(Letter("""{"message":{"a":[]}}""")).Problem.ShouldBe("the patch would nest the message deeper than 256 levels");
    }

    [Fact]
    public async Task Original_of_a_letter_is_kept_once_however_often_it_is_decided_on()
    {
        var audit = new KeepingAudit();
        var repair = new Repair(MessagePatch.Parse("""[{"op":"add","path":"/b","value":3}]"""), audit, "op-1");
        await repair.KeepAsync([Letter("""{"message":{"a":1}}""", hash: 1), Letter("""{"message":{"a":2}}""", hash: 2)], default);
        await repair.KeepAsync([Letter("""{"message":{"a":2}}""", hash: 2), Letter("""{"message": {"a":3}}""", hash: 3)], default);
        audit.Kept.ShouldBe(["""op-1 {"a":1}""", """op-1 {"a":2}""", """op-1 {"a":3}"""]);
    }

    [Fact]
    public void Changes_are_counted_by_cause_with_a_few_masked_examples_whose_lines_have_the_same_places()
    {
        var repair = Repair("""[{"op":"replace","path":"/email","value":"jane@right.example"}]""");
        for (var number = 0; number < 5; number++)
        {
            var letter = Letter($$$"""{"message":{"number":{{{number}}},"email":"jane@wrong.example","note":"a\nb"}}""", hash: (ulong)number);
            repair.Changes.Add(letter, repair.Apply(letter).Letter);
        }
        var cause = repair.Changes.Causes.ShouldHaveSingleItem();
        cause.Count.ShouldBe(5);
        cause.Examples.Count.ShouldBe(2);
        var change = cause.Examples[0];
        (change.Before, change.After).ShouldBe((change.Before, change.Before.Replace("wrong", "right", StringComparison.Ordinal)));
        change.Before.ShouldContain("jane@wrong.example");
        foreach (var (clear, masked) in new[] { (change.Before, change.MaskedBefore), (change.After, change.MaskedAfter) })
        {
            masked.ShouldNotContain("jane@");
            masked.Split('\n').Select(line => line.Split(':')[0]).ShouldBe(clear.Split('\n').Select(line => line.Split(':')[0]));
        }
    }

    private static Repair Repair(string patch) => new(MessagePatch.Parse(patch), new KeepingAudit(), "op-1");

    private static DeadLetter Letter(string body, string contentType = Envelope, ulong hash = 1, string? consumer = null) =>
        new("orders_error", 7, 0, new BasicProperties { MessageId = "m1", ContentType = contentType, Headers = new Dictionary<string, object?> { ["MT-Fault-ConsumerType"] = consumer } }, Encoding.UTF8.GetBytes(body), hash);

    private sealed class KeepingAudit : IAuditLog
    {
        public List<string> Kept { get; } = [];

        public Task WriteAsync(AuditEntry entry, CancellationToken cancellationToken) => Task.CompletedTask;

        public Task<IReadOnlyList<AuditEntry>> ReadAsync(string? queue, int limit, CancellationToken cancellationToken) => Task.FromResult<IReadOnlyList<AuditEntry>>([]);

        public Task KeepOriginalsAsync(string operation, IReadOnlyList<OriginalMessage> originals, CancellationToken cancellationToken)
        {
            Kept.AddRange(originals.Select(original => $"{operation} {Encoding.UTF8.GetString(original.Json.Span)}"));
            return Task.CompletedTask;
        }
    }
}
