using System.Text;
using System.Text.Json.Nodes;
using RabbitMQ.Client;
using WorkinIt.DeadLetters;

namespace WorkinIt.Tests.DeadLetters;

/// <summary>Messages of any origin may arrive at the exchange of the reports.</summary>
public sealed class ReportReaderTests
{
    private const string Id = "0199c4f0000070008000000000000001.17";
    private static readonly BasicProperties _properties = new() { Type = ReplayReport.Type };

    [Fact]
    public void Report_is_read_as_it_was_written()
    {
        var report = new ReplayReport
        {
            ReplayId = Id,
            Kind = ReportKind.Delayed,
            At = new DateTimeOffset(2026, 11, 29, 12, 0, 0, TimeSpan.Zero),
            Queue = "orders",
            Try = 3,
            Consumer = "Orders.PlaceOrderConsumer",
            Host = "shop-1",
            Application = "Orders",
            Version = "2.4.0",
            Milliseconds = 12.5,
            ExceptionType = "System.TimeoutException",
            Reason = "The shop did not answer",
            Until = new DateTimeOffset(2026, 11, 29, 12, 1, 0, TimeSpan.Zero),
        };
        ReportReader.Read(Id, _properties, report.ToJson()).ShouldBe(report);
    }

    [Theory]
    [InlineData("", "not JSON")]
    [InlineData("", "null")]
    [InlineData("", "[]")]
    [InlineData("", "{}")]
    [InlineData("kind", "\"exploded\"")]
    [InlineData("kind", "99")]
    [InlineData("kind", "null")]
    [InlineData("replayId", "null")]
    [InlineData("replayId", "\"0199c4f0000070008000000000000001.18\"")] // another message than the routing key says
    [InlineData("queue", "null")]
    [InlineData("at", "\"yesterday\"")]
    [InlineData("milliseconds", "\"many\"")]
    [InlineData("try", "1.5")]
    [InlineData("reason", "\"\\ud800\"")] // half a surrogate pair
    public void Message_that_is_no_report_is_dropped(string field, string json)
    {
        var body = field.Length == 0 ? Encoding.UTF8.GetBytes(json) : Encoding.UTF8.GetBytes(Usual().ToJsonString().Replace($"\"{field}\":{Usual()[field]!.ToJsonString()}", $"\"{field}\":{json}", StringComparison.Ordinal));
        if (field.Length > 0)
            Encoding.UTF8.GetString(body).ShouldContain(json);
        ReportReader.Read(Id, _properties, body).ShouldBeNull();
    }

    [Fact]
    public void Message_with_a_wrong_type_key_or_size_is_dropped()
    {
        var body = Encoding.UTF8.GetBytes(Usual().ToJsonString());
        ReportReader.Read(Id, _properties, body).ShouldNotBeNull();
        ReportReader.Read(Id, new BasicProperties(), body).ShouldBeNull();
        ReportReader.Read(Id, new BasicProperties { Type = "dead-letters.report.2" }, body).ShouldBeNull();
        ReportReader.Read("elsewhere.1", _properties, body).ShouldBeNull();
        var large = Usual();
        large["reason"] = new string('x', ReportReader.LargestBody);
        ReportReader.Read(Id, _properties, Encoding.UTF8.GetBytes(large.ToJsonString())).ShouldBeNull();
        ReportReader.Read(Id, _properties, "\"reason\":\"\xff\""u8).ShouldBeNull();
    }

    [Fact]
    public void Texts_are_cut_and_impossible_numbers_are_removed()
    {
        var json = Usual();
        (json["reason"], json["consumer"], json["milliseconds"], json["try"]) = (new string('x', 5000), new string('y', 5000), -1, 0);
        var report = ReportReader.Read(Id, _properties, Encoding.UTF8.GetBytes(json.ToJsonString())).ShouldNotBeNull();
        (report.Reason!.Length, report.Consumer!.Length, report.Milliseconds, report.Try).ShouldBe((301, 257, null, 1));
    }

    [Theory]
    [InlineData("a.1", "a", 1)]
    [InlineData("0199c4f0000070008000000000000001.9223372036854775807", "0199c4f0000070008000000000000001", long.MaxValue)]
    [InlineData("a", "", 0)]
    [InlineData(".1", "", 0)]
    [InlineData("a.", "", 0)]
    [InlineData("a.0", "", 0)]
    [InlineData("a.01", "", 0)]
    [InlineData("a.+1", "", 0)]
    [InlineData("a. 1", "", 0)]
    [InlineData("a.1.2", "", 0)]
    [InlineData("a.9223372036854775808", "", 0)]
    public void Replay_id_is_an_operation_and_a_number(string id, string operation, long number)
    {
        ReportReader.TryParseId(id, out var of, out var seen).ShouldBe(number > 0);
        if (number > 0)
            (of, seen).ShouldBe((operation, number));
    }

    private static JsonObject Usual() => JsonNode.Parse(
        $$"""{"replayId":"{{Id}}","kind":"handled","at":"2026-11-29T12:00:00+00:00","queue":"orders","try":1,"consumer":"c","milliseconds":1,"reason":"r"}""")!.AsObject();
}
